"""The rules of reviews: pure functions from a review and a command to what happens."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from app.cqrs.commands.outcomes import Decision, refused
from app.cqrs.commands.parsing import Parsers, Parsing
from app.cqrs.messages import Event
from app.values import text
from tests.example.reviews.commands import ReviewProduct, ReviseReview
from tests.example.reviews.events import OpinionChanged, ProductReviewed, StarsChanged
from tests.example.reviews.refusals import ReviewIsFinal

REVISED_WITHIN = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review as it is now."""

    id: UUID
    version: int
    product_id: UUID
    stars: int
    opinion: str
    written_at: datetime


def stars(number: int) -> int:
    """From 1 to 5."""
    if not 1 <= number <= 5:
        raise ValueError("must be between 1 and 5")
    return number


SAID: Parsers = {"stars": stars, "opinion": text(1000)}
"""The parsers of what a review says, by field."""


def review(command: ReviewProduct, review_id: UUID, now: datetime) -> Decision:
    """A review with one to five stars and at most 1,000 characters."""
    parsing = Parsing()
    said = parsing.fields(command, SAID)
    reviewed = ProductReviewed(review_id=review_id, product_id=command.product_id, written_at=now, **said)
    return parsing.refusal or (reviewed,)


def revise(review: Review, command: ReviseReview, now: datetime) -> Decision:
    """Other stars or another opinion, within 30 days; nothing happens where nothing differs."""
    parsing = Parsing()
    said = parsing.fields(command, SAID)
    if parsing.refusal:
        return parsing.refusal
    if now - review.written_at > REVISED_WITHIN:
        return refused(_final(review))
    stars, opinion = said.get("stars", review.stars), said.get("opinion", review.opinion)
    of = {"review_id": review.id, "product_id": review.product_id}
    events: list[Event] = []
    if stars != review.stars:
        events.append(StarsChanged(stars=stars, previous_stars=review.stars, **of))
    if opinion != review.opinion:
        events.append(OpinionChanged(opinion=opinion, **of))
    return tuple(events)


def evolve(review: Review | None, event: Event) -> Review:
    """The review after `event`."""
    match review, event:
        case None, ProductReviewed():
            return Review(
                id=event.review_id,
                version=1,
                product_id=event.product_id,
                stars=event.stars,
                opinion=event.opinion or "",
                written_at=event.written_at,
            )
        case Review(), StarsChanged():
            return replace(review, version=review.version + 1, stars=event.stars)
        case Review(), OpinionChanged():
            return replace(review, version=review.version + 1, opinion=event.opinion or "")
    raise TypeError(f"{type(event).__name__} can't happen to {review}")


def _final(review: Review) -> ReviewIsFinal:
    message = f"A review can be revised for {REVISED_WITHIN.days} days."
    return ReviewIsFinal(
        message=message, review_id=review.id, since=review.written_at + REVISED_WITHIN, path=("review_id",)
    )
