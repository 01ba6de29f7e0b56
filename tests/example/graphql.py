"""Reviews as clients read, write and follow them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any, cast

import strawberry
from msgspec import UNSET

from app.cqrs.live.notices import topic
from app.graphql.execution.context import Info
from schema.circle.ids import global_id, key_of
from schema.circle.nodes import After, AtLeast, Before, Connection, First, Last, Node, NodeId, page
from schema.circle.scalars import Position
from schema.circle.sending import ChangeInput, CommandInput, Input, Payload, send
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from tests.example.product_reviews import product_reviews, ratings, reviews, reviews_of
from tests.example.reviews.commands import ReviewProduct, ReviseReview


@shows(reviews)
@strawberry.type(description="What somebody thinks of a product.")
class Review(Node):
    """One document."""

    stars: int = strawberry.field(description="From 1 to 5.")
    opinion: str = strawberry.field(description="In words; may be empty.")
    written_at: datetime = strawberry.field(description="When it was written.")
    version: int = strawberry.field(description="Its version, for `expectedVersion`.")
    position: Position = strawberry.field(description="The event that changed this document last.")

    @strawberry.field(description="The id of the `Product`.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """From the document itself."""
        return global_id("Product", document["product_id"])


@shows(ratings)
@strawberry.type(description="What all reviews of a product come to.")
class Rating:
    """One small document."""

    reviews: int = strawberry.field(description="How many reviews there are.")
    position: Position = strawberry.field(description="The event that changed this document last.")

    @strawberry.field(description="The average of their stars, from 1 to 5.")
    def average(document: strawberry.Parent[Any]) -> float:
        """All stars, shared among the reviews."""
        return float(document["stars"] / document["reviews"])


@strawberry.type(description="A page of reviews.")
class ReviewConnection(Connection[Review]):
    """Reviews of a product."""


@strawberry.type(description="A new state of a review.")
class ReviewUpdate(Update):
    """What `reviewUpdated` sends."""

    review: Review = strawberry.field(description="The review as it is now.")


@strawberry.type
class ReviewsQuery:
    """Reads of the product's reviews."""

    @strawberry.field(description="What a product's reviews come to; null where it has none.")
    async def rating(self, info: Info, product_id: NodeId, at_least: AtLeast = None) -> Rating | None:
        """One find by key."""
        key, tokens = key_of("Product", product_id), await info.context.tokens(at_least)
        found = await info.context.reading.get(ratings, str(key), tokens, fields=info.shown)
        return cast("Rating | None", found)

    @strawberry.field(description="The reviews of a product, newest first.")
    async def reviews(
        self,
        info: Info,
        product_id: NodeId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        at_least: AtLeast = None,
    ) -> ReviewConnection | None:
        """One find."""
        listing = reviews_of(str(key_of("Product", product_id)))
        return await ReviewConnection.read(info, listing, page(first, after, last, before), at_least)


@strawberry.type
class ReviewsSubscription:
    """Reviews as they change."""

    @strawberry.subscription(description="A review now, or once it is there, then each new state of it.")
    async def review_updated(
        self, info: Info, id: NodeId, after: Resume = None
    ) -> AsyncIterator[ReviewUpdate]:
        """Follows one document."""
        key = str(key_of("Review", id))
        followed = topic(product_reviews.name, document=key)
        async with aclosing(follow(info, reviews, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield ReviewUpdate(review=cast("Review", state.document), **state.shown)


@strawberry.input(description="A review of a product.")
class ReviewProductInput(CommandInput):
    """The input of `reviewProduct`."""

    product_id: strawberry.ID = strawberry.field(description="Which product.")
    stars: int = strawberry.field(description="From 1 to 5.")
    opinion: str = strawberry.field(default="", description="Up to 1,000 characters.")


@strawberry.input(description="Other stars or words: what is left out stays, null removes it.")
class ReviseReviewInput(ChangeInput):
    """The input of `reviseReview`."""

    review_id: strawberry.ID = strawberry.field(description="Which review.")
    stars: int | None = strawberry.field(
        default=strawberry.UNSET, description="From 1 to 5; can't be removed."
    )
    opinion: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 1,000 characters.")


@strawberry.type
class ReviewPayload(Payload):
    """What every mutation of a review answers with."""

    @strawberry.field(description="The review with this change in it; null when it was refused.")
    async def review(self, info: Info) -> Review | None:
        """Waits for the read model, only where it is asked for."""
        return cast("Review | None", await self.read_back(info, reviews))


@strawberry.type(description="What came of `reviewProduct`.")
class ReviewProductPayload(ReviewPayload):
    """The new review."""


@strawberry.type(description="What came of `reviseReview`.")
class ReviseReviewPayload(ReviewPayload):
    """The review as it is now."""


@strawberry.type
class ReviewsMutation:
    """Mutations of reviews."""

    @strawberry.mutation(description="Says what one thinks of a product.")
    async def review_product(self, info: Info, input: Input[ReviewProductInput]) -> ReviewProductPayload:
        """Becomes `ReviewProduct`."""
        return await send(
            info,
            ReviewProductPayload,
            "review",
            input.command_id,
            lambda: ReviewProduct(
                product_id=key_of("Product", input.product_id, ("product_id",)),
                stars=input.stars,
                opinion=input.opinion,
            ),
        )

    @strawberry.mutation(description="Revises a review, within 30 days.")
    async def revise_review(self, info: Info, input: Input[ReviseReviewInput]) -> ReviseReviewPayload:
        """Becomes `ReviseReview`."""
        return await send(
            info,
            ReviseReviewPayload,
            "review",
            input.command_id,
            lambda: ReviseReview(
                review_id=key_of("Review", input.review_id, ("review_id",)),
                stars=UNSET if input.stars is strawberry.UNSET else input.stars or 0,
                opinion=UNSET if input.opinion is strawberry.UNSET else input.opinion or "",
                expected_version=input.expected_version,
            ),
        )
