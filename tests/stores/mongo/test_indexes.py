"""Indexes are created once the documents are there, and are there before anybody needs them."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import NetworkTimeout

from app.cqrs.documents.read_model import Change, Collection, Document, ReadModel
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.examining import examine
from app.stores.mongo.store import MongoReadStore
from app.stores.mongo.writes.indexes import Indexes, Keys
from tests.conftest import DATABASE
from tests.cqrs.notes import NoteTaken, recorded

BY_POSITION = [("position", 1), ("_id", 1)]
BY_TOPIC, BY_WEIGHT = [("topic", 1), ("_id", 1)], [("weight", -1), ("name", 1)]


@pytest.fixture
def model() -> ReadModel:
    """A read model that no other test has made."""
    return ReadModel(f"new_{uuid4().hex[:8]}")


@pytest.fixture
def part(model: ReadModel) -> Collection:
    return model.collection("part", indexes=[("topic", "_id"), ("-weight", "name")])


async def indexes(mongo: AsyncIOMotorDatabase[Document], part: Collection) -> list[list[tuple[str, int]]]:
    """The keys of the collection's indexes, but for that of its ids."""
    _, *others = (await mongo[part.stored_as].index_information()).values()
    return [each["key"] for each in others]


async def apply(store: MongoReadStore, model: ReadModel, *changes: Change) -> None:
    event = recorded(1, NoteTaken(note="a"))
    await store.apply(model, [(event, change) for change in changes], since=0, start=0, end=event)


async def test_the_declared_indexes_come_after_the_documents(
    read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document], model: ReadModel, part: Collection
) -> None:
    assert part.stored_as == f"{model.name}_{model.fingerprint}_part"
    await read_store.prepare(model)
    await apply(read_store, model, part.put("a", {"topic": "tea", "weight": 1}))
    assert await indexes(mongo, part) == [BY_POSITION]
    await read_store.index(model)
    assert await indexes(mongo, part) == [BY_POSITION, BY_TOPIC, BY_WEIGHT]


async def test_a_change_that_looks_for_documents_gets_the_index_that_finds_them_first(
    read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document], model: ReadModel, part: Collection
) -> None:
    await read_store.prepare(model)
    renamed = part.update_where({"topic": "tea", "name": {"$ne": "b"}}, {"$set": {"name": "b"}})
    await apply(read_store, model, part.put("a", {"topic": "tea"}), renamed)
    assert await indexes(mongo, part) == [BY_POSITION, BY_TOPIC]
    assert [each["name"] for each in await read_store.find(part, {})] == ["b"]


async def test_indexes_whose_creation_takes_longer_than_a_call_may_are_waited_for(
    read_store: MongoReadStore,
    mongo: AsyncIOMotorDatabase[Document],
    model: ReadModel,
    part: Collection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real creation goes on in mongod when the call has timed out; that one is only begun here."""
    create, calls = Indexes._create, list[Sequence[Keys]]()

    def too_late(self: Indexes, collection: Collection, wanted: Sequence[Keys]) -> None:
        calls.append(wanted)
        if len(calls) < 3:
            raise NetworkTimeout("timed out")
        create(self, collection, wanted)

    await read_store.prepare(model)
    monkeypatch.setattr(Indexes, "_create", too_late)
    await read_store.index(model)
    assert len(calls) == 3
    assert await indexes(mongo, part) == [BY_POSITION, BY_TOPIC, BY_WEIGHT]


async def test_a_store_that_does_not_answer_meanwhile_is_not_waited_for(
    read_store: MongoReadStore, model: ReadModel, part: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise NetworkTimeout("timed out")

    await read_store.prepare(model)
    monkeypatch.setattr(Indexes, "_create", silent)
    monkeypatch.setattr("pymongo.database.Database.command", silent)
    with pytest.raises(ReadStoreUnavailable, match="does not answer"):
        await read_store.index(model)


async def test_indexes_of_documents_that_are_not_there_yet_are_not_missing(
    read_store: MongoReadStore,
    mongo: AsyncIOMotorDatabase[Document],
    mongo_url: str,
    model: ReadModel,
    part: Collection,
) -> None:
    await read_store.prepare(model)
    assert examine(mongo_url, DATABASE, [model]).models[model.name].missing == []
    await read_store.index(model)
    await mongo[part.stored_as].drop_index(BY_TOPIC)
    assert examine(mongo_url, DATABASE, [model]).models[model.name].missing == [f"{part.name} (topic, _id)"]
