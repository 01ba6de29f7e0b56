"""The example's events as they were once stored, byte by byte, and as they are read today."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.cqrs.contexts import event_types
from app.cqrs.log.events import SplitEvent
from app.cqrs.messages import Event
from tests.example.reviews.events import OpinionChanged, ProductReviewed, StarsChanged
from tests.example.reviews.handlers import CONTEXT as REVIEWS

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
REVIEW = UUID("0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e4f")
TEA = UUID("0190a5ac-6fd4-7c07-8fb5-35ac4b2e8e50")
IDS = f'"review_id":"{REVIEW}","product_id":"{TEA}"'

STORED = {
    ("ProductRated", 1, f'{{{IDS},"stars":4,"written_at":"2026-01-31T12:00:00Z"}}'): ProductReviewed(
        review_id=REVIEW, product_id=TEA, stars=4, opinion="", written_at=NOON
    ),
    ("ProductReviewed", 1, f'{{{IDS},"stars":4,"written_at":"2026-01-31T12:00:00Z"}}'): ProductReviewed(
        review_id=REVIEW, product_id=TEA, stars=4, opinion="", written_at=NOON
    ),
    (
        "ProductReviewed",
        2,
        f'{{{IDS},"stars":4,"opinion":"Fine.","written_at":"2026-01-31T12:00:00Z"}}',
    ): ProductReviewed(review_id=REVIEW, product_id=TEA, stars=4, opinion="Fine.", written_at=NOON),
    ("ReviewRevised", 1, f'{{{IDS},"stars":2,"stars_before":4,"opinion":"Stale."}}'): SplitEvent(
        events=(
            StarsChanged(review_id=REVIEW, product_id=TEA, stars=2, previous_stars=4),
            OpinionChanged(review_id=REVIEW, product_id=TEA, opinion="Stale."),
        )
    ),
}
"""For each shape that was ever stored: its type, its version and its data, and the event of today."""


@pytest.mark.parametrize(("stored", "event"), STORED.items(), ids=lambda each: str(each)[:30])
def test_every_stored_shape_is_read(stored: tuple[str, int, str], event: Event) -> None:
    assert event_types([REVIEWS]).read(*stored) == event


def test_every_shape_has_a_test() -> None:
    types = event_types([REVIEWS])
    assert list(types.problems()) == []
    assert {(name, version) for name, version, _ in STORED} >= types.upcasters.steps.keys()
