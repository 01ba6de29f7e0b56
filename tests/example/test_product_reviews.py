"""The example's read model: given these events, its documents are found as they are after them."""

from typing import Any
from uuid import UUID

from app.cqrs.documents.read_model import Collection
from app.cqrs.log.events import SplitEvent
from app.cqrs.reading.pages import PageArguments
from tests.example.product_reviews import (
    RatingDocument,
    ReviewDocument,
    product_reviews,
    ratings,
    reviews,
    reviews_of,
)
from tests.example.reviews.events import OpinionChanged, ProductReviewed, StarsChanged
from tests.pages import read_page
from tests.read_models.conftest import Given, given, project
from tests.read_models.shop import moment

TEA, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)

__all__ = ["given"]


def reviewed(review_id: UUID, stars: int) -> ProductReviewed:
    return ProductReviewed(
        review_id=review_id, product_id=TEA, stars=stars, opinion="Fine.", written_at=moment(review_id.int)
    )


def changed(stars: int, previous_stars: int) -> StarsChanged:
    return StarsChanged(review_id=FIRST, product_id=TEA, stars=stars, previous_stars=previous_stars)


SAID = OpinionChanged(review_id=FIRST, product_id=TEA, opinion="Stale.")


async def test_a_rating_sums_the_reviews_of_a_product_up(given: Given) -> None:
    await given(product_reviews, reviewed(FIRST, 5), reviewed(SECOND, 4), changed(2, 5))
    assert await given.only(ratings) == {"_id": str(TEA), "position": 3, "reviews": 2, "stars": 6}


async def test_reviews_are_listed_as_they_are_now_newest_first(given: Given) -> None:
    await given(product_reviews, reviewed(FIRST, 5), reviewed(SECOND, 4), SAID)
    found = await read_page(given.store, reviews_of(str(TEA)), PageArguments(first=10))
    assert [each["opinion"] for each in found.documents] == ["Fine.", "Stale."]
    assert [each["_id"] for each in found.documents] == [str(SECOND), str(FIRST)]


async def test_documents_have_the_keys_that_are_declared(given: Given) -> None:
    await given(product_reviews, reviewed(FIRST, 5))
    declared: list[tuple[Collection, Any]] = [(reviews, ReviewDocument), (ratings, RatingDocument)]
    for collection, kind in declared:
        assert (await given.only(collection)).keys() == kind.__annotations__.keys()


async def test_an_event_that_was_split_is_projected_part_by_part(given: Given) -> None:
    await given.store.prepare(product_reviews)
    events = given.history.record(reviewed(FIRST, 5), SplitEvent(events=(changed(2, 5), SAID)))
    notices = await project(given.store, product_reviews, [part for event in events for part in event.parts])
    assert (await given.only(reviews))["opinion"] == "Stale."
    assert (await given.only(ratings))["stars"] == 2
    assert {notice.position for notice in notices} == {1, 2}
