"""How well is a product liked? The read model of the example; in the shop `app/read_models/ratings.py`."""

from collections.abc import Iterator
from typing import TypedDict

from app.cqrs.events import RecordedEvent
from app.cqrs.pages import Listing
from app.cqrs.read_model import Change, ReadModel
from tests.example.reviews import ProductReviewed

ratings = ReadModel("ratings")


class RatingDocument(TypedDict):
    """What all reviews of a product come to."""

    _id: str
    position: int
    reviews: int
    stars: int
    """Of all reviews together."""


products = ratings.collection(indexes=[("reviews", "_id")])


@ratings.on(ProductReviewed)
def reviewed(event: ProductReviewed, _at: RecordedEvent) -> Iterator[Change]:
    """One review more."""
    yield products.upsert(event.product_id, {"$inc": {"reviews": 1, "stars": event.stars}})


def most_reviewed() -> Listing:
    """Products, the most reviewed first."""
    return Listing(products, {}, ["-reviews"])
