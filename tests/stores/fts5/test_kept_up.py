"""The index has what the documents have, whatever was interrupted, lost or replaced in between."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.unavailable import ReadStoreUnavailable
from app.read_models.customer_overview import customer_overview
from app.read_models.product_listing import ProductOrder, product_listing, product_page, products
from app.stores.fts5.index import SearchIndex
from app.stores.fts5.store import IndexedReadStore, open_indexed_store
from app.stores.mongo.store import MongoReadStore
from tests.read_models.conftest import Given
from tests.read_models.searching import all_found
from tests.read_models.shop import (
    ADA,
    COFFEE,
    TEA,
    customer_closed,
    customer_registered,
    product_added,
    product_updated,
)
from tests.stores.fts5.answers import answers
from tests.stores.fts5.words import customers as many_customers
from tests.stores.fts5.words import product_search
from tests.stores.fts5.words import products as many_products

GREEN = product_page({}, ProductOrder.RELEVANCE, search="green")


async def is_like_mongodb(store: IndexedReadStore, documents: MongoReadStore, seed: int = 5) -> None:
    """Check that a store which is opened answers by its index, and as MongoDB does."""
    await store.checkpoint(product_listing)
    random = Random(seed)
    for _ in range(20):
        listing = product_search(random)
        assert await answers(store, listing, 20) == await answers(documents, listing, 20), listing
    assert not store.passed_on


async def names(store: IndexedReadStore) -> Sequence[str]:
    return [document["name"] for document in await all_found(store, GREEN)]


async def test_what_only_the_documents_have_after_a_kill_is_made_up_for(
    read_store: MongoReadStore, file: Path
) -> None:
    given = Given(read_store)
    events = [*many_products(Random(1), 40)]
    async with open_indexed_store(read_store, file) as store:
        await replace(given, store=store)(product_listing, *events[:20])
    # A kill between the two is like a batch that was applied to the documents alone.
    await given(product_listing, *events[20:])
    async with open_indexed_store(read_store, file) as store:
        await is_like_mongodb(store, read_store)


async def test_what_was_removed_meanwhile_is_found_no_more(
    read_store: MongoReadStore, file: Path, mongo: Any
) -> None:
    async with open_indexed_store(read_store, file) as store:
        await Given(store)(product_listing, product_added(TEA), product_added(COFFEE, name="Green"))
    await mongo[products.stored_as].delete_one({"_id": str(COFFEE)})
    async with open_indexed_store(read_store, file) as store:
        await store.checkpoint(product_listing)
        assert await names(store) == ["Green Tea"]
        assert not store.passed_on


async def test_documents_that_are_projected_anew_are_indexed_anew(
    read_store: MongoReadStore, file: Path
) -> None:
    async with open_indexed_store(read_store, file) as store:
        await Given(store)(product_listing, *list(many_products(Random(9), 10))[:10])
    # Others rebuild the documents from another log, beyond the position that the index has.
    await read_store.clear(product_listing)
    await Given(read_store)(product_listing, *many_products(Random(2), 30))
    async with open_indexed_store(read_store, file) as store:
        await is_like_mongodb(store, read_store)


async def test_a_set_back_of_the_documents_sets_the_index_back(
    indexed: IndexedReadStore, read_store: MongoReadStore
) -> None:
    await Given(indexed)(product_listing, *many_products(Random(3), 30))
    await read_store.clear(product_listing)
    await Given(read_store)(product_listing, *many_products(Random(4), 10))
    await is_like_mongodb(indexed, read_store)


async def test_documents_of_a_backup_set_the_index_back(
    indexed: IndexedReadStore, read_store: MongoReadStore, mongo: Any
) -> None:
    given = Given(indexed)
    names = (products.stored_as, "checkpoints")
    await given(product_listing, *many_products(Random(3), 20))
    backup = {name: await mongo[name].find().to_list(None) for name in names}
    renamed = [product_updated(UUID(int=number), name=f"Tea pot {number}") for number in range(1, 11)]
    await given(product_listing, *renamed)
    for name, documents in backup.items():
        await mongo[name].delete_many({})
        await mongo[name].insert_many(documents)
    await is_like_mongodb(indexed, read_store)


async def test_a_cleared_read_model_is_found_no_more_and_filled_again(
    indexed: IndexedReadStore, read_store: MongoReadStore
) -> None:
    await Given(indexed)(product_listing, *many_products(Random(3), 30))
    await indexed.clear(product_listing)
    assert await names(indexed) == []
    await Given(indexed)(product_listing, *many_products(Random(4), 30))
    indexed.passed_on = 0
    await is_like_mongodb(indexed, read_store)


async def test_a_generation_that_is_dropped_leaves_no_table(
    indexed: IndexedReadStore, read_store: MongoReadStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Given(indexed)(product_listing, product_added())
    former = product_listing.generation
    other = Generation("product_listing", "01234567")
    monkeypatch.setattr(product_listing, "_generation", other)
    await Given(indexed)(product_listing, *many_products(Random(4), 30))
    assert tables(file) == {f"{former.key}.rows", f"{former.key}.words", *own_tables()}
    await indexed.drop(former)
    assert tables(file) == own_tables()
    await is_like_mongodb(indexed, read_store)
    await read_store.drop(other)


def own_tables() -> set[str]:
    return {f"{products.stored_as}.rows", f"{products.stored_as}.words"}


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%.%'")
        return {name for (name,) in found if name.endswith((".rows", ".words"))}


@pytest.mark.parametrize("damage", [b"no database at all, but long enough to be read as one" * 50, b""])
async def test_a_damaged_file_is_made_anew(read_store: MongoReadStore, file: Path, damage: bytes) -> None:
    file.write_bytes(damage)  # noqa: ASYNC240 - nothing else runs yet
    await Given(read_store)(product_listing, *many_products(Random(6), 30))
    async with open_indexed_store(read_store, file) as store:
        await is_like_mongodb(store, read_store)


async def test_a_file_that_is_found_damaged_is_given_up_once_and_made_anew_at_the_next_start(
    read_store: MongoReadStore, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = Given(read_store)
    events = [*many_products(Random(6), 60)]
    async with open_indexed_store(read_store, file) as store:
        await replace(given, store=store)(product_listing, *events[:40])
    with file.open("r+b") as pages:
        pages.seek(3 * 4096)
        pages.write(bytes(file.stat().st_size - 3 * 4096))  # noqa: ASYNC240
    async with open_indexed_store(read_store, file) as store:
        await store.checkpoint(product_listing)
        await replace(given, store=store)(product_listing, *events[40:50])
        await replace(given, store=store)(product_listing, *events[50:])
        assert await names(store) == [document["name"] for document in await all_found(read_store, GREEN)]
        assert store.passed_on
    [said] = [each.getMessage() for each in caplog.records if each.name.startswith("app.stores.fts5")]
    assert "The search index is damaged, and MongoDB answers searches. Restart the service" in said
    async with open_indexed_store(read_store, file) as store:
        await is_like_mongodb(store, read_store)
    assert [each.name for each in file.parent.glob("*-damaged")] == []


async def test_a_file_of_another_version_is_filled_anew(read_store: MongoReadStore, file: Path) -> None:
    async with open_indexed_store(read_store, file) as store:
        await Given(store)(product_listing, *many_products(Random(6), 30))
    connection = sqlite3.connect(file)
    connection.execute(f'DELETE FROM "{products.stored_as}.rows"')
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()
    async with open_indexed_store(read_store, file) as store:
        await is_like_mongodb(store, read_store)


async def test_refuses_a_folder_that_is_not_there(read_store: MongoReadStore, tmp_path: Path) -> None:
    with pytest.raises(ReadStoreUnavailable, match="SEARCH_ENGINE=mongodb needs neither"):
        async with open_indexed_store(read_store, tmp_path / "nowhere" / "search.db"):
            pass


async def test_mongodb_answers_while_the_index_can_not_be_written(
    indexed: IndexedReadStore, read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Given(indexed)
    await given(product_listing, product_added())

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(SearchIndex, "write", full)
        await given(product_listing, product_updated(name="Green again"))
        assert await names(indexed) == ["Green again"]
        assert indexed.passed_on
    indexed.passed_on = 0
    await is_like_mongodb(indexed, read_store)
    assert await names(indexed) == ["Green again"]


async def test_an_order_is_never_mixed_of_an_old_index_and_new_documents(
    indexed: IndexedReadStore, read_store: MongoReadStore
) -> None:
    given = Given(indexed)
    await given(product_listing, product_added(), product_added(COFFEE, name="Green coffee"))
    assert await names(indexed) == ["Green coffee", "Green Tea"]
    # Another process has projected further, which this one has not noticed yet.
    await replace(given, store=read_store)(product_listing, product_updated(COFFEE, name="Zen of green"))
    assert await names(indexed) == ["Green Tea", "Zen of green"]
    assert indexed.passed_on


async def test_a_batch_that_is_cancelled_half_way_is_made_up_for(
    indexed: IndexedReadStore, read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Given(indexed)
    await given(product_listing, product_added())
    reached = asyncio.Event()
    get: Callable[..., Awaitable[Any]] = MongoReadStore.get

    async def held(*_: object, **__: object) -> dict[str, Document]:
        reached.set()
        return await asyncio.Future()

    monkeypatch.setattr(MongoReadStore, "get", held)
    batch = asyncio.create_task(given(product_listing, product_updated(name="Green again")))
    await reached.wait()
    batch.cancel()
    await asyncio.wait([batch])
    monkeypatch.setattr(MongoReadStore, "get", get)
    assert await names(indexed) == ["Green again"]
    indexed.passed_on = 0
    await is_like_mongodb(indexed, read_store)


async def test_nothing_personal_is_left_of_a_closed_customer(indexed: IndexedReadStore, file: Path) -> None:
    given = Given(indexed)
    await given(customer_overview, *many_customers(Random(1), 10), customer_registered(ADA))

    def everything() -> bytes:
        return b"".join(each.read_bytes() for each in file.parent.iterdir())

    assert b"analytical" in everything()
    await given(customer_overview, customer_closed(ADA))
    for personal in (b"lovelace", b"analytical", b"engines.example", b"441843", b"london"):
        assert personal not in everything()


async def test_other_read_models_have_no_index(indexed: IndexedReadStore, file: Path) -> None:
    other = ReadModel("other")
    notes = other.collection()
    await indexed.prepare(other)
    await indexed.checkpoint(other)
    assert tables(file) == set()
    assert await indexed.find(notes, {}) == []
