"""What everybody shares is what each would have read from the real document store."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.cqrs.documents.read_model import Collection, Document, Filter
from app.cqrs.documents.store import Fields, Ranks, Sort
from app.cqrs.reading.pages import Listing, PageArguments
from app.cqrs.reading.shared_reader import SharedReader
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.notes import NotePraised, NoteTaken, changes_of, documents, notes, recorded
from tests.pages import read_page

SUM: Sequence[Mapping[str, Any]] = [{"$group": {"_id": None, "praise": {"$sum": "$praise"}}}]


class Counted:
    """The real store, which notes what it is asked."""

    def __init__(self, store: MongoReadStore) -> None:
        self._store = store
        self.asked: list[object] = []

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        self.asked.append(tuple(ids))
        return await self._store.get(collection, ids, fields=fields)

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        self.asked.append(filter)
        return await self._store.find(collection, filter, sort=sort, limit=limit, fields=fields)

    async def find_ranked(
        self,
        collection: Collection,
        ranks: Ranks,
        *,
        sort: Sort,
        limit: int,
        fields: Fields = None,
    ) -> list[Document]:
        self.asked.append(ranks)
        return await self._store.find_ranked(collection, ranks, sort=sort, limit=limit, fields=fields)

    async def count(self, collection: Collection, filter: Filter) -> int:
        self.asked.append(filter)
        return await self._store.count(collection, filter)

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        self.asked.append(pipeline)
        return await self._store.aggregate(collection, pipeline)


@pytest.fixture
async def store(read_store: MongoReadStore) -> Counted:
    await read_store.prepare(notes)
    events = [NoteTaken(note="a", topic="p"), NoteTaken(note="b", topic="q"), NotePraised(note="a", by=2)]
    batch = [recorded(position, event) for position, event in enumerate(events, 1)]
    await read_store.apply(notes, changes_of(batch), since=0, start=0, end=batch[-1])
    return Counted(read_store)


@pytest.fixture
def reader(store: Counted) -> SharedReader:
    return SharedReader(store)


async def test_finds_by_id_that_wait_at_the_same_moment_are_one(store: Counted, reader: SharedReader) -> None:
    found = await asyncio.gather(*(reader.get(documents, [id]) for id in "ababx"))
    assert store.asked == [("a",), ("b",), ("a", "b", "x")]
    assert [each.get(id, {}).get("topic") for each, id in zip(found, "ababx", strict=True)] == [*"pqpq", None]


async def test_equal_listings_that_wait_at_the_same_moment_are_one(
    store: Counted, reader: SharedReader
) -> None:
    found = await asyncio.gather(*(reader.count(documents, {"topic": topic}) for topic in "pppqpp"))
    assert found == [1] * 6
    assert store.asked == [{"topic": "p"}, {"topic": "p"}, {"topic": "q"}, {"topic": "p"}]


async def test_another_question_is_asked_anew(reader: SharedReader) -> None:
    by_id = [("_id", -1)]
    assert [note["_id"] for note in await reader.find(documents, {}, sort=by_id)] == ["b", "a"]
    assert [note["_id"] for note in await reader.find(documents, {}, sort=[("_id", 1)])] == ["a", "b"]
    assert [note["_id"] for note in await reader.find(documents, {}, sort=by_id, limit=1)] == ["b"]
    assert await reader.find(documents, {}, sort=by_id, fields=()) == [{"_id": "b"}, {"_id": "a"}]
    assert await reader.get(documents, ["a"], fields=("praise",)) == {"a": {"_id": "a", "praise": 2}}
    assert (await reader.get(documents, ["a"]))["a"]["topic"] == "p"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2, "2"),
        (2, Decimal("2.0")),
        (1, True),
        (None, "None"),
        (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31)),  # noqa: DTZ001
        ({"$gt": 1}, {"$gt": 1.0}),
        (["p", "q"], ["p, q"]),
    ],
    ids=str,
)
async def test_values_that_look_alike_are_told_apart(
    store: Counted, reader: SharedReader, one: object, other: object
) -> None:
    values = (one, one, one, other, one)
    await asyncio.gather(*(reader.count(documents, {"praise": value}) for value in values))
    assert sorted(map(repr, store.asked)) == sorted(
        repr({"praise": value}) for value in (one, one, one, other)
    )


async def test_what_has_no_exact_text_is_asked_by_each(store: Counted, reader: SharedReader) -> None:
    await asyncio.gather(*(reader.count(documents, {"topic": b"p"}) for _ in range(5)))
    assert len(store.asked) == 5


async def test_a_page_of_some_fields_has_what_its_cursors_need(store: Counted, reader: SharedReader) -> None:
    listing = Listing(documents, {}, ["-praise", "topic"])
    first = await read_page(reader, listing, PageArguments(first=1), ("position",))
    assert first.documents == [{"_id": "a", "praise": 2, "topic": "p", "position": 3}]
    rest = await read_page(reader, listing, PageArguments(after=first.cursors[0]), ())
    assert rest.documents == [{"_id": "b", "praise": 0, "topic": "q"}]
