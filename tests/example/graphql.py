"""Reviews as clients read, write and follow them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any, cast

import strawberry

from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.graphql.execution.context import Info
from schema.circle.commands.mutations import mutations
from schema.circle.ids import global_id, key_of
from schema.circle.listings import listing_field
from schema.circle.nodes import AtLeast, Connection, Node, NodeId
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from tests.example.product_reviews import product_reviews, ratings, reviews, reviews_of
from tests.example.reviews import refusals
from tests.example.reviews.commands import ReviewProduct, ReviseReview


@shows(reviews, kinds=["review"])
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

    @listing_field(ReviewConnection, description="The reviews of a product, newest first.")
    def reviews(
        self,
        product_id: NodeId,
    ) -> Listing:
        """Return what is listed, for one find."""
        return reviews_of(str(key_of("Product", product_id)))


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


PART = Part(
    query=ReviewsQuery,
    mutation=mutations(Review, ReviewProduct, ReviseReview),
    subscription=ReviewsSubscription,
    refusals=refusals,
)
