"""Each kind of change leaves the same documents in MongoDB as in the memory of the simulation."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from uuid import UUID

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.document_ids import Key, document_id
from app.cqrs.documents.read_model import Change, Document
from app.cqrs.documents.store import ChangeImpossible, DocumentChanged
from app.stores.mongo.store import MongoReadStore, open_read_store
from app.stores.mongo.writes.operations import FEW
from tests.conftest import DATABASE
from tests.cqrs.notes import NoteTaken, documents, notes, recorded
from tests.simulation.documents import MemoryDocuments

LINES = {"lines": [{"sku": "TEA", "units": 1}, {"sku": "POT", "units": 2}, {"sku": "TEA", "units": 3}]}
TEA = {"line.sku": "TEA"}
MORE = {"$inc": {"lines.$[line].units": 10}}

CHANGES: dict[str, Sequence[Change]] = {
    "removed": [documents.put("a", {"n": 1}), documents.put("b", {"n": 2}), documents.delete("a")],
    "removed where there is nothing": [documents.delete("a"), documents.update("a", {"$set": {"n": 1}})],
    "removed and put anew": [
        documents.put("a", {"n": 1, "m": 1}),
        documents.update("a", {"$inc": {"n": 1}}),
        documents.delete("a"),
        documents.upsert("a", {"$inc": {"n": 1}}),
        documents.update("a", {"$inc": {"n": 1}}),
    ],
    "all that fit are removed": [
        *(documents.put(name, {"topic": topic}) for name, topic in zip("abc", "pqp", strict=True)),
        documents.update("b", {"$set": {"topic": "p"}}),
        documents.update("c", {"$set": {"topic": "q"}}),
        documents.delete_where({"topic": "p"}),
    ],
    "very many are removed": [
        *(documents.put(f"{number:03}", {"topic": "p"}) for number in range(FEW + 1)),
        documents.update("000", {"$set": {"n": 1}}),
        documents.delete_where({"topic": "p"}),
        documents.update("000", {"$set": {"n": 2}}),
    ],
    "some items of a list": [
        documents.put("a", LINES),
        documents.update("a", MORE, array_filters=[TEA]),
        documents.update("a", MORE, array_filters=[{"line.sku": "POT"}]),
        documents.update("a", {"$set": {"n": 1}}),
        documents.update("a", MORE, array_filters=[TEA]),
    ],
    "some items of a list in all that fit": [
        documents.put("a", {**LINES, "topic": "p"}),
        documents.put("b", {**LINES, "topic": "q"}),
        documents.update_where({"topic": "p"}, MORE, array_filters=[TEA]),
    ],
    "some items of a list in very many": [
        *(documents.put(f"{number:03}", {**LINES, "topic": "p"}) for number in range(FEW + 1)),
        documents.update_where({"topic": "p"}, MORE, array_filters=[TEA]),
    ],
    "keys that are no UUIDs": [
        documents.put(UUID(int=1), {"n": 1}),
        documents.put(date(2026, 1, 31), {"n": 2}),
        documents.put(7, {"n": 3}),
        documents.put(("a/b", "c"), {"n": 4}),
        documents.put(("a", "b/c"), {"n": 5}),
        documents.put("Tee: grün / 緑", {"n": 6}),
        documents.delete(("a", "b/c")),
    ],
}


@pytest.fixture
async def store(mongo_url: str, mongo: AsyncIOMotorDatabase[Document]) -> AsyncIterator[MongoReadStore]:
    for name in await mongo.list_collection_names():
        await mongo[name].delete_many({})
    async with open_read_store(mongo_url, DATABASE, "pymongo") as store:
        await store.prepare(notes)
        yield store


async def applied(store: MongoReadStore, changes: Sequence[Change]) -> list[DocumentChanged]:
    batch = [(recorded(number, NoteTaken(note="a")), change) for number, change in enumerate(changes, 1)]
    return await store.apply(notes, batch, since=0, start=0, end=batch[-1][0])


@pytest.mark.parametrize("changes", CHANGES.values(), ids=list(CHANGES))
async def test_a_change_comes_to_the_same_in_mongodb_and_in_memory(
    store: MongoReadStore, changes: Sequence[Change]
) -> None:
    memory = MemoryDocuments()
    batch = [(recorded(number, NoteTaken(note="a")), change) for number, change in enumerate(changes, 1)]
    expected = memory.apply(notes, batch, since=0, start=0, end=batch[-1][0])
    assert await applied(store, changes) == expected
    found = await store.find(documents, {}, sort=[("_id", 1)])
    assert found == sorted(memory.collections[documents.name].values(), key=lambda each: str(each["_id"]))


async def test_whoever_listens_to_all_changes_is_told_of_a_removal(store: MongoReadStore) -> None:
    *_, removed = await applied(store, CHANGES["removed"])
    assert (removed.document_id, removed.deleted, removed.fields) == ("a", True, ())


async def test_a_document_is_read_by_the_key_it_was_written_with(store: MongoReadStore) -> None:
    await applied(store, CHANGES["keys that are no UUIDs"])
    for key, number in ((date(2026, 1, 31), 2), (7, 3), (("a/b", "c"), 4)):
        id = document_id(key)
        assert (await store.get(documents, [id]))[id]["n"] == number


async def test_items_of_a_list_that_is_not_there_can_never_be_changed(store: MongoReadStore) -> None:
    with pytest.raises(ChangeImpossible, match="The path"):
        await applied(store, [documents.put("a", {"n": 1}), documents.update("a", MORE, array_filters=[TEA])])


def test_tuples_that_differ_have_ids_that_differ() -> None:
    keys: list[Key] = [("a", "b"), ("a/b",), ("a", "b", ""), ("", "a", "b"), ("a%2Fb",), ("a/", "b"), ("a",)]
    assert len({document_id(key) for key in keys}) == len(keys)
