"""What is said of a product, and how well is it liked?"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from app.cqrs.documents.audiences import EVERYBODY
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from tests.example.reviews.events import OpinionChanged, ProductReviewed, StarsChanged

product_reviews = ReadModel(
    "product_reviews", description="The reviews of each product, with the average of their stars."
)


class ReviewDocument(TypedDict):
    """A review as the product's page shows it."""

    _id: str
    position: int
    version: int
    product_id: str
    stars: int
    opinion: str
    written_at: datetime


class RatingDocument(TypedDict):
    """What all reviews of a product come to; its key is the product's."""

    _id: str
    position: int
    reviews: int
    stars: int
    """Of all reviews together."""


reviews = product_reviews.collection(seen_by=EVERYBODY, indexes=[("product_id", "written_at", "_id")])
ratings = product_reviews.collection("ratings", seen_by=EVERYBODY, indexes=[("reviews", "_id")])


@product_reviews.on(ProductReviewed)
def reviewed(event: ProductReviewed, at: RecordedEvent) -> Iterator[Change]:
    """One review more."""
    yield reviews.put(
        event.review_id,
        {
            "version": at.stream_version,
            "product_id": str(event.product_id),
            "stars": event.stars,
            "opinion": event.opinion or "",
            "written_at": event.written_at,
        },
        about=event.product_id,
    )
    yield ratings.upsert(event.product_id, {"$inc": {"reviews": 1, "stars": event.stars}})


@product_reviews.on(StarsChanged)
def counted_again(event: StarsChanged, at: RecordedEvent) -> Iterator[Change]:
    """The same review, with other stars."""
    changed = {"version": at.stream_version, "stars": event.stars}
    yield reviews.update(event.review_id, {"$set": changed}, about=event.product_id)
    yield ratings.update(event.product_id, {"$inc": {"stars": event.stars - event.previous_stars}})


@product_reviews.on(OpinionChanged)
def said_again(event: OpinionChanged, at: RecordedEvent) -> Iterator[Change]:
    """The same review, in other words."""
    changed = {"version": at.stream_version, "opinion": event.opinion or ""}
    yield reviews.update(event.review_id, {"$set": changed}, about=event.product_id)


def reviews_of(product_id: str) -> Listing:
    """The reviews of a product, newest first."""
    return Listing(reviews, {"product_id": product_id}, ["-written_at"])
