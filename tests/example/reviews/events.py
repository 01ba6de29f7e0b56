"""What happens to a review, and how the events are read that were stored in earlier shapes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.cqrs.log.upcasting import Data, Upcasters
from app.cqrs.messages import Event


class ProductReviewed(Event):
    """Someone said what they think of a product."""

    schema_version: ClassVar[int] = 2
    personal_fields = ("opinion",)
    # Nobody knows who wrote it: the review stands for the person. Name the customer's id where there is one:
    # forgetting a customer reaches what is sealed with that customer's key.
    person_field = "review_id"

    review_id: UUID
    product_id: UUID
    stars: int
    opinion: str | None
    written_at: datetime


class StarsChanged(Event):
    """A review has more stars, or fewer."""

    personal_fields = ()

    review_id: UUID
    product_id: UUID
    stars: int
    previous_stars: int


class OpinionChanged(Event):
    """A review is in other words."""

    personal_fields = ("opinion",)
    person_field = "review_id"

    review_id: UUID
    product_id: UUID
    opinion: str | None


upcasters = Upcasters()


@upcasters.step(("ProductRated", 1), ("ProductReviewed", 1))
def renamed(data: Data) -> Data:
    return data


@upcasters.step(("ProductReviewed", 1), ("ProductReviewed", 2))
def with_an_opinion(data: Data) -> Data:
    return {**data, "opinion": ""}


@upcasters.step(("ReviewRevised", 1), ("StarsChanged", 1), ("OpinionChanged", 1))
def split(data: Data) -> tuple[Data, Data]:
    return {**data, "previous_stars": data["stars_before"]}, data
