"""Reviews as clients read, write and follow them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any, cast

import strawberry

from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from schema.circle.commands.mutations import mutations
from schema.circle.ids import global_id, key_of
from schema.circle.listings import listing_field
from schema.circle.nodes import LAST_POSITION, VERSION, AtLeast, Connection, Node, NodeId
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from tests.example.product_reviews import product_reviews, ratings, reviews, reviews_of
from tests.example.reviews import refusals
from tests.example.reviews.commands import ReviewProduct, ReviseReview
from tests.example.reviews.rules import RULES


@shows(reviews, kinds=["review"])
@strawberry.type(description="A review of a product.")
class Review(Node):
    stars: int = strawberry.field(description="The number of stars, 1 to 5.")
    opinion: str = strawberry.field(description="The text of the review; empty if there is none.")
    written_at: datetime = strawberry.field(description="The time at which the review was written, in UTC.")
    version: int = strawberry.field(description=VERSION.format("review"))
    position: Position = strawberry.field(description=LAST_POSITION)

    @strawberry.field(description="The global id of the `Product`.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Product", document["product_id"])


@shows(ratings)
@strawberry.type(description="The summary of all reviews of a product.")
class Rating:
    reviews: int = strawberry.field(description="The number of reviews.")
    position: Position = strawberry.field(description=LAST_POSITION)

    @strawberry.field(description="The average of the stars, 1 to 5.")
    def average(document: strawberry.Parent[Any]) -> float:
        return float(document["stars"] / document["reviews"])


@strawberry.type(description="A page of reviews.")
class ReviewConnection(Connection[Review]): ...


@strawberry.type(description="An item of the subscription `reviewUpdated`: a state of the review.")
class ReviewUpdate(Update):
    review: Review = strawberry.field(description="The review in this state.")


@strawberry.type
class ReviewsQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(description="The summary of a product's reviews; null if there are none.")
    async def rating(self, info: Info, product_id: NodeId, at_least: AtLeast = None) -> Rating | None:
        key, tokens = key_of("Product", product_id), await info.context.tokens(at_least)
        found = await info.context.reading.get(ratings, str(key), tokens, fields=info.shown)
        return cast("Rating | None", found)

    @visible_to(Sight.ANONYMOUS)
    @listing_field(ReviewConnection, description="The reviews of a product, newest first.")
    def reviews(
        self,
        product_id: NodeId,
    ) -> Listing:
        return reviews_of(str(key_of("Product", product_id)))


@strawberry.type
class ReviewsSubscription:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.subscription(
        description="The states of a review: the current one, or the first one as soon as the review exists, "
        "then each new one."
    )
    async def review_updated(
        self, info: Info, id: NodeId, after: Resume = None
    ) -> AsyncIterator[ReviewUpdate]:
        key = str(key_of("Review", id))
        followed = topic(product_reviews.name, document=key)
        async with aclosing(follow(info, reviews, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield ReviewUpdate(review=cast("Review", state.document), **state.shown)


PART = Part(
    query=ReviewsQuery,
    mutation=mutations(Review, ReviewProduct, ReviseReview, rules=RULES),
    subscription=ReviewsSubscription,
    refusals=refusals,
)
