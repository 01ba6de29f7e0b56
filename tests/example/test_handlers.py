"""The example's commands on the real write stores."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from app.cqrs import contexts
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import NotFound, VersionConflict
from app.domain.contexts import CONTEXTS
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.domain.shop import Shop, cause, made_by
from tests.example.reviews import tables
from tests.example.reviews.commands import ReviewProduct, ReviseReview
from tests.example.reviews.handlers import CONTEXT as REVIEWS

ALL = (*CONTEXTS, REVIEWS)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A shop whose products are reviewed."""
    async with open_database(database_url) as engines:
        async with engines.writing.begin() as connection:
            await connection.run_sync(tables.reviews.create)
        store = SqlWriteStore(engines, contexts.event_types(ALL))
        bus = CommandBus(
            store,
            contexts.handlers(ALL),
            contexts.rules(ALL),
            customers_of=contexts.customers_of(ALL),
            committed=lambda _receipt, _actor: None,
        )
        yield Shop(engines, store, bus)


async def loaded(shop: Shop, review_id: UUID) -> object:
    async with shop.store.begin(cause()) as work:
        return await tables.rows.load(work, review_id)


async def test_a_review_is_written_and_revised(shop: Shop) -> None:
    tea = await shop.product()
    review = made_by(await shop.accept(ReviewProduct(product_id=tea, stars=5, opinion="Fine.")))
    revised = await shop.accept(ReviseReview(review_id=review, stars=2, opinion="Stale.", expected_version=1))
    assert [mark.type for mark in revised.events] == ["StarsChanged", "OpinionChanged"]
    [written, *changes] = [each.event for each in await shop.history(f"review-{review}")]
    state = REVIEWS.aggregates[0].evolve(None, written)
    for change in changes:
        state = REVIEWS.aggregates[0].evolve(state, change)
    assert await loaded(shop, review) == state


async def test_refuses_what_does_not_exist_or_is_at_another_version(shop: Shop) -> None:
    nothing = UUID(int=1)
    [missing] = await shop.refuse(ReviewProduct(product_id=nothing, stars=5))
    assert (type(missing), missing.path) == (NotFound, ("product_id",))
    [missing] = await shop.refuse(ReviseReview(review_id=nothing, stars=5))
    assert (type(missing), missing.path) == (NotFound, ("review_id",))
    review = made_by(await shop.accept(ReviewProduct(product_id=await shop.product(), stars=5)))
    [conflict] = await shop.refuse(ReviseReview(review_id=review, stars=1, expected_version=2))
    assert isinstance(conflict, VersionConflict)
