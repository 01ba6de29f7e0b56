from uuid import UUID

from msgspec import UNSET, UnsetType

from app.cqrs.messages import Command


class ReviewProduct(Command):
    """Says what one thinks of a product."""

    product_id: UUID
    stars: int
    opinion: str = ""


class ReviseReview(Command):
    """Says it again, in other words or with other stars; what is left unset stays as it is."""

    review_id: UUID
    stars: int | UnsetType = UNSET
    opinion: str | UnsetType = UNSET
    expected_version: int | None = None
