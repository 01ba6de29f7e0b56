from typing import Annotated
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command


class ReviewProduct(Command):
    """Writes a review of a product."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product to review."]
    stars: Annotated[int, "The number of stars, 1 to 5."]
    opinion: Annotated[str, "The text of the review, up to 1,000 characters."] = ""


class ReviseReview(Command):
    """Changes the stars or the text of a review, within 30 days."""

    review_id: Annotated[UUID, Id("review"), "The global id of the review to change."]
    stars: Annotated[int | UnsetType, "The new number of stars, 1 to 5."] = UNSET
    opinion: Annotated[str | UnsetType, "The new text, up to 1,000 characters."] = UNSET
    expected_version: int | None = None
