"""The rules of the example: given, when, then; without any store."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import InvalidInput
from tests.domain.given import NOW, Rules
from tests.example.reviews import model
from tests.example.reviews.commands import ReviewProduct, ReviseReview
from tests.example.reviews.events import OpinionChanged, ProductReviewed, StarsChanged
from tests.example.reviews.model import REVISED_WITHIN
from tests.example.reviews.refusals import ReviewIsFinal

TEA, REVIEW = UUID(int=1), UUID(int=2)
PRAISED = ProductReviewed(review_id=REVIEW, product_id=TEA, stars=5, opinion="Fine.", written_at=NOW)

reviews = Rules(
    model.evolve,
    {
        ReviewProduct: lambda _review, command, now: model.review(command, REVIEW, now),
        ReviseReview: model.revise,
    },
)


def test_a_review_says_what_one_thinks() -> None:
    reviews.given().when(ReviewProduct(product_id=TEA, stars=5, opinion=" Fine. ")).then(PRAISED)


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_refuses_other_numbers_of_stars(stars: int) -> None:
    refused = reviews.given().when(ReviewProduct(product_id=TEA, stars=stars))
    refused.then_refused(InvalidInput, at=("stars",))


def test_a_revision_changes_stars_or_words_or_both() -> None:
    stars = StarsChanged(review_id=REVIEW, product_id=TEA, stars=2, previous_stars=5)
    words = OpinionChanged(review_id=REVIEW, product_id=TEA, opinion="Stale.")
    given = reviews.given(PRAISED)
    given.when(ReviseReview(review_id=REVIEW, stars=2)).then(stars)
    given.when(ReviseReview(review_id=REVIEW, opinion="Stale.")).then(words)
    given.when(ReviseReview(review_id=REVIEW, stars=2, opinion="Stale.")).then(stars, words)
    assert reviews.given(PRAISED, stars, words).state.version == 3


def test_nothing_happens_where_nothing_differs() -> None:
    reviews.given(PRAISED).when(
        ReviseReview(review_id=REVIEW, stars=5, opinion="Fine. ")
    ).then_nothing_happens()


@pytest.mark.parametrize(("age", "final"), [(REVISED_WITHIN, False), (REVISED_WITHIN * 1.01, True)])
def test_an_old_review_is_final(age: timedelta, final: bool) -> None:
    old = ProductReviewed(review_id=REVIEW, product_id=TEA, stars=5, opinion="", written_at=NOW - age)
    outcome = reviews.given(old).when(ReviseReview(review_id=REVIEW, stars=1))
    if final:
        [refusal] = outcome.then_refused(ReviewIsFinal, at=("review_id",))
        assert refusal == ReviewIsFinal(
            message="A review can be revised for 30 days.",
            path=("review_id",),
            review_id=REVIEW,
            since=old.written_at + REVISED_WITHIN,
        )
    else:
        outcome.then(StarsChanged(review_id=REVIEW, product_id=TEA, stars=1, previous_stars=5))
