"""Updates that were joined into one leave the same documents as each on its own, whatever they are."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import InsertOne
from pymongo.errors import BulkWriteError

from app.cqrs.documents.read_model import Change, Document
from app.stores.mongo.codec import CODEC
from app.stores.mongo.writes.operations import FEW, MOST, Operation, Operations
from tests.cqrs.notes import documents

numbers = st.one_of(
    st.integers(-9, 2**40),
    st.decimals(-1000, 1000, places=2),
    st.sampled_from([0.1, 0.2, Decimal(9999999999999999999999999999999999), Decimal("1e-20")]),
)
counters = st.sampled_from(["n", "m", "a.b", "a.c"])
steps = st.one_of(
    st.tuples(st.sampled_from(["$inc", "$set", "$max", "$setOnInsert"]), counters, numbers),
    st.tuples(st.just("$inc"), counters, numbers),
    st.tuples(st.just("$set"), st.just("a"), st.fixed_dictionaries({"b": numbers})),
    st.tuples(st.just("$push"), st.sampled_from(["p", "q"]), numbers),
    st.tuples(st.just("$unset"), counters, st.just("")),
)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """One or two things to do, which are not about the same field."""
    update: dict[str, dict[str, Any]] = {}
    roots = set()
    for operator, path, value in draw(st.lists(steps, min_size=1, max_size=2)):
        root = path.partition(".")[0]
        if root not in roots:
            update.setdefault(operator, {})[path] = value
        roots.add(root)
    return update


@st.composite
def changes(draw: st.DrawFn) -> Change:
    id = draw(st.sampled_from("xxxy"))
    change = draw(st.sampled_from([documents.update, documents.upsert, documents.upsert]))
    return documents.put(id, {"n": 1}) if draw(st.integers(0, 9)) == 0 else change(id, draw(updates()))


def taken(operations: Operations) -> list[Operation]:
    """All of them, whichever go together."""
    return [operation for portion in operations.take() for operation in portion]


async def outcome(
    mongo: AsyncIOMotorDatabase[Document], wanted: list[Change], *, joined: bool
) -> list[Document] | None:
    """The documents after the changes; `None` where one of them is refused."""
    collection = mongo.get_collection("operations", codec_options=CODEC)
    await collection.delete_many({})
    operations, each = Operations(), list[Operation]()
    for position, change in enumerate(wanted, 1):
        operations.add(str(change.id), change, position)
        if not joined:
            each += taken(operations)
    try:
        await collection.bulk_write([*each, *taken(operations)])
    except BulkWriteError:
        return None
    return await collection.find({}, sort=[("_id", 1)]).to_list(None)


@pytest.mark.campaign
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(changes(), min_size=2, max_size=4))
async def test_joined_or_not_the_documents_are_the_same(
    mongo: AsyncIOMotorDatabase[Document], wanted: list[Change]
) -> None:
    one_by_one = await outcome(mongo, wanted, joined=False)
    assert await outcome(mongo, wanted, joined=True) == one_by_one


@pytest.mark.parametrize(
    ("first", "then", "operations"),
    [
        ({"$set": {"a": 1, "b": 1}}, {"$set": {"a": 2}}, 1),
        ({"$inc": {"a": 1}}, {"$inc": {"a": 2, "b": 3}}, 1),
        ({"$inc": {"a": 1}}, {"$inc": {"a": Decimal("0.1")}}, 1),
        ({"$set": {"a": 1}}, {"$push": {"b": 2}}, 1),
        ({"$set": {"a": 1}}, {"$inc": {"a": 2}}, 2),
        ({"$set": {"a": {}}}, {"$set": {"a.b": 2}}, 2),
        ({"$push": {"a": 1}}, {"$push": {"a": 2}}, 2),
        ({"$inc": {"a": 1}}, {"$inc": {"a": 0.5}}, 2),
        ({"$inc": {"a": 1}}, {"$setOnInsert": {"b": 1}}, 1),
    ],
)
def test_joins_what_can_be_joined(first: Any, then: Any, operations: int) -> None:
    waiting = Operations()
    waiting.add("x", documents.upsert("x", first), 1)
    waiting.add("y", documents.put("y", {}), 2)
    waiting.add("x", documents.upsert("x", then), 3)
    assert len(taken(waiting)) == operations + 1
    assert waiting.take() == []


def test_an_update_that_makes_a_document_is_not_joined_to_one_that_does_not() -> None:
    waiting = Operations()
    for change in (documents.update, documents.upsert, documents.update):
        waiting.add("x", change("x", {"$inc": {"a": 1}}), 1)
    assert len(taken(waiting)) == 2


@pytest.mark.campaign
@pytest.mark.parametrize("many", [1, FEW, FEW + 1, MOST, MOST + 1])
async def test_a_change_of_many_documents_comes_to_the_same_as_one_of_each(
    mongo: AsyncIOMotorDatabase[Document], many: int
) -> None:
    """Also where some of them are changed before and after."""
    collection = mongo.get_collection("operations", codec_options=CODEC)
    await collection.delete_many({})
    ids = [f"{number:05}" for number in range(many)]
    waiting = Operations()
    for id in ids:
        waiting.add(id, documents.put(id, {"n": 1}), 1)
    waiting.add(ids[0], documents.update(ids[0], {"$inc": {"n": 1}}), 2)
    waiting.add_to_all(ids, documents.update_where({}, {"$inc": {"n": 10}, "$set": {"a": 1}}), 3)
    waiting.add(ids[0], documents.update(ids[0], {"$inc": {"n": 100}}), 4)
    portions = waiting.take()
    assert max(map(len, portions)) <= MOST
    for portion in portions:
        await collection.bulk_write(portion, ordered=True)
    found = await collection.find({}, sort=[("_id", 1)]).to_list(None)
    assert found[0] == {"_id": ids[0], "n": 112, "a": 1, "position": 4}
    assert found[1:] == [{"_id": id, "n": 11, "a": 1, "position": 3} for id in ids[1:]]


def test_a_change_of_very_many_documents_takes_few_operations_and_no_call_changes_more_than_it_may() -> None:
    waiting = Operations()
    waiting.add("x", documents.put("x", {}), 1)
    waiting.add_to_all([str(each) for each in range(2 * MOST + 1)], documents.update_where({}, {}), 2)
    assert [len(portion) for portion in waiting.take()] == [1, 1, 1, 1]


async def outcome_with_inserts(
    mongo: AsyncIOMotorDatabase[Document], before: list[Change], wanted: list[Change]
) -> list[Document] | None:
    """The documents after changes, of which those that make new documents are made as inserts."""
    collection = mongo.get_collection("operations", codec_options=CODEC)
    await collection.delete_many({})
    operations = Operations()
    try:
        for position, change in enumerate(before, 1):
            operations.add(str(change.id), change, position)
        if first := taken(operations):
            await collection.bulk_write(first)
        for position, change in enumerate(wanted, len(before) + 1):
            operations.add(str(change.id), change, position)
        if inserts := operations.take_inserts(await collection.distinct("_id")):
            await collection.bulk_write(inserts, ordered=False)
        if rest := taken(operations):
            await collection.bulk_write(rest)
    except BulkWriteError:
        return None
    return await collection.find({}, sort=[("_id", 1)]).to_list(None)


@pytest.mark.campaign
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(changes(), max_size=1),
    wanted=st.lists(st.one_of(changes(), st.just(documents.delete("x"))), min_size=1, max_size=4),
)
async def test_inserted_documents_are_those_that_mongod_would_make(
    mongo: AsyncIOMotorDatabase[Document], before: list[Change], wanted: list[Change]
) -> None:
    by_mongod = await outcome(mongo, [*before, *wanted], joined=False)
    assert await outcome_with_inserts(mongo, before, wanted) == by_mongod


@pytest.mark.parametrize(
    ("update", "made"),
    [
        ({"$inc": {"n": 2}, "$setOnInsert": {"a.b": 1}}, {"n": 3, "position": 2}),
        ({"$set": {"a.b": 1}, "$push": {"p": 2}}, {"n": 1, "a": {"b": 1}, "p": [2], "position": 2}),
        ({"$inc": {"n": Decimal("0.10")}}, {"n": Decimal("1.10"), "position": 2}),
        ({"$max": {"n": 2}}, None),
        ({"$set": {"p.0": 1}}, None),
        ({"$set": {"n.a": 1}}, None),
        ({"$inc": {"n": 0.5}}, None),
        ({"$inc": {"n": 2**63 - 1}}, None),
        ({"$push": {"p": {"$each": [1]}}}, None),
        ({"$push": {"n": 1}}, None),
        ({"$set": {"a": {}}, "$inc": {"a.b": 1}}, None),
        ({"$set": {"_id": "y"}}, None),
    ],
)
def test_computes_what_becomes_of_a_new_document_or_leaves_it_to_mongod(update: Any, made: Any) -> None:
    waiting = Operations()
    waiting.add("x", documents.put("x", {"n": 1}), 1)
    waiting.add("x", documents.update("x", update), 2)
    assert waiting.may_insert == ["x"]
    inserts = waiting.take_inserts(set())
    assert inserts == [InsertOne({"_id": "x", **(made or {"n": 1, "position": 1})})]
    assert len(taken(waiting)) == (0 if made else 1)


def test_what_changes_documents_that_exist_is_no_insert() -> None:
    waiting = Operations()
    waiting.add("old", documents.upsert("old", {"$inc": {"n": 1}}), 1)
    waiting.add("old", documents.put("old", {"n": 5}), 2)
    waiting.add("gone", documents.update("gone", {"$inc": {"n": 1}}), 3)
    assert waiting.may_insert == ["old"]
    assert waiting.take_inserts({"old"}) == []
    assert len(taken(waiting)) == 3


async def test_a_change_of_many_comes_after_the_inserts_before_it(
    mongo: AsyncIOMotorDatabase[Document],
) -> None:
    collection = mongo.get_collection("operations", codec_options=CODEC)
    await collection.delete_many({})
    ids = [f"{number:05}" for number in range(FEW + 1)]
    waiting = Operations()
    for id in ids:
        waiting.add(id, documents.put(id, {"n": 1}), 1)
    waiting.add_to_all(ids, documents.update_where({}, {"$inc": {"n": 10}}), 2)
    waiting.add(ids[0], documents.update(ids[0], {"$inc": {"n": 100}}), 3)
    inserts = waiting.take_inserts(set())
    assert len(inserts) == FEW + 1
    await collection.bulk_write(inserts, ordered=False)
    await collection.bulk_write(taken(waiting))
    found = await collection.find({}, sort=[("_id", 1)]).to_list(None)
    assert [document["n"] for document in found] == [111, *[11] * FEW]
