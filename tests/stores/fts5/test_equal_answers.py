"""Both search engines give the same answers: documents, their order, ranks, cursors and totals."""

from random import Random
from uuid import UUID

import pytest

from app.cqrs.viewers import Scope, Sight
from app.read_models.customer_overview import customer_overview
from app.read_models.product_listing import product_listing
from app.stores.fts5.store import IndexedReadStore
from app.stores.mongo.store import MongoReadStore
from tests.read_models.conftest import Given
from tests.stores.fts5.answers import answers, sizes
from tests.stores.fts5.words import customer_search, customers, product_search, products

SEARCHES = 60


@pytest.mark.parametrize("seed", range(3))
async def test_products_are_found_as_in_mongodb(
    indexed: IndexedReadStore, read_store: MongoReadStore, seed: int
) -> None:
    random = Random(seed)
    given, events = Given(indexed), [*products(random, 60)]
    for first in range(0, len(events), 13):  # The index is filled at once, then follows batch by batch.
        await given(product_listing, *events[first : first + 13])
    found = 0
    for size, _ in zip(sizes(random), range(SEARCHES), strict=False):
        listing = product_search(random)
        expected = await answers(read_store, listing, size)
        assert await answers(indexed, listing, size) == expected, listing
        found += bool(expected[-1])
    assert found > SEARCHES / 3
    assert not indexed.passed_on


@pytest.mark.parametrize("seed", range(2))
async def test_customers_are_found_as_in_mongodb(
    indexed: IndexedReadStore, read_store: MongoReadStore, seed: int
) -> None:
    random = Random(seed)
    await Given(indexed)(customer_overview, *customers(random, 40))
    scopes = [
        Scope(Sight.STAFF, None),
        Scope(Sight.CUSTOMER, str(UUID(int=7))),
        Scope(Sight.ANONYMOUS, None),
    ]
    for size, _ in zip(sizes(random), range(SEARCHES), strict=False):
        listing, scope = customer_search(random), random.choice(scopes)
        expected = await answers(read_store, listing, size, scope)
        assert await answers(indexed, listing, size, scope) == expected, listing
    assert not indexed.passed_on
