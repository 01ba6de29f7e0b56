"""Documents and checkpoint move together or not at all, whatever happens to the real mongod."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial, reduce
from itertools import product
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote_plus

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect, OperationFailure

from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.documents.store import ChangeImpossible, ChangeTooLarge, CheckpointMoved, DocumentChanged
from app.cqrs.messages import Event
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.embedded import mongod
from app.stores.mongo.embedded.mongod import Mongod, embedded_mongod
from app.stores.mongo.embedded.mongod_binary import find_mongod
from app.stores.mongo.reads.clients import PATIENT, Driver
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.conftest import DATABASE
from tests.cqrs.notes import (
    NotePraised,
    NoteRead,
    NoteTaken,
    TopicRenamed,
    changes_of,
    documents,
    notes,
    recorded,
)


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """What is shown with one driver is shown with both."""
    which: Driver = request.param
    return which


@pytest.fixture
async def read_store(
    driver: Driver, mongo_url: str, mongo: AsyncIOMotorDatabase[Document]
) -> AsyncIterator[MongoReadStore]:
    for name in await mongo.list_collection_names():
        await mongo[name].delete_many({})
    async with open_read_store(mongo_url, DATABASE, driver) as store:
        yield store


@pytest.fixture
async def another_store(
    driver: Driver, mongo_url: str, read_store: MongoReadStore
) -> AsyncIterator[MongoReadStore]:
    async with open_read_store(mongo_url, DATABASE, driver) as store:
        yield store


@pytest.fixture
async def store(read_store: MongoReadStore) -> MongoReadStore:
    await read_store.prepare(notes)
    return read_store


async def apply(store: MongoReadStore, *events: Event, start: int = 0) -> list[DocumentChanged]:
    """Applies events that follow the position `start`, in one batch."""
    batch = [recorded(position, event) for position, event in enumerate(events, start + 1)]
    return await store.apply(notes, changes_of(batch), since=start, start=start, end=batch[-1])


async def all_notes(store: MongoReadStore) -> list[Document]:
    return await store.find(documents, {}, sort=[("_id", 1)])


async def test_documents_and_checkpoint_move_together(store: MongoReadStore) -> None:
    await apply(store, NoteTaken(note="a"), NotePraised(note="a"), NotePraised(note="a", by=4))
    assert await all_notes(store) == [{"_id": "a", "topic": "plain", "praise": 5, "position": 3}]
    assert (await store.checkpoint(notes)).position == 3


async def test_events_that_change_nothing_move_the_checkpoint(store: MongoReadStore) -> None:
    assert await apply(store, NoteRead(), NoteRead()) == []
    assert (await store.checkpoint(notes)).position == 2
    assert await all_notes(store) == []


@pytest.mark.parametrize("event", [NoteTaken(note="b"), NoteRead()])
async def test_refuses_a_batch_when_the_checkpoint_has_moved(store: MongoReadStore, event: Event) -> None:
    await apply(store, NoteTaken(note="a"))
    with pytest.raises(CheckpointMoved, match=f"{notes.key} is not at 0 any more"):
        await apply(store, event)
    assert [note["_id"] for note in await all_notes(store)] == ["a"]
    assert (await store.checkpoint(notes)).position == 1


async def test_a_batch_that_fails_half_way_leaves_nothing(store: MongoReadStore) -> None:
    await apply(store, NoteTaken(note="a"))
    flushed_before_it_fails = (NoteTaken(note="b"), TopicRenamed(topic="plain", to="fancy"))
    with pytest.raises(ChangeImpossible, match="Cannot increment with non-numeric argument"):
        await apply(store, *flushed_before_it_fails, NotePraised(note="a", by="far"), start=1)
    assert await all_notes(store) == [{"_id": "a", "topic": "plain", "praise": 0, "position": 1}]
    assert (await store.checkpoint(notes)).position == 1


async def test_two_that_apply_the_same_batch_at_once_apply_it_once(
    store: MongoReadStore, another_store: MongoReadStore
) -> None:
    await another_store.prepare(notes)
    twins = (apply(each, NoteTaken(note="a"), NotePraised(note="a")) for each in (store, another_store))
    results = await asyncio.gather(*twins, return_exceptions=True)
    [refusal] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refusal, CheckpointMoved | ReadStoreUnavailable)
    assert await all_notes(store) == [{"_id": "a", "topic": "plain", "praise": 1, "position": 2}]


@contextmanager
def hanging(store: MongoReadStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """While the block lasts the store hangs amid its transactions; the event tells of the first."""
    begun, over = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hangs(*_: object) -> list[DocumentChanged]:
        loop.call_soon_threadsafe(begun.set)
        over.wait()
        return []

    monkeypatch.setattr(store._writer, "_write", hangs)
    try:
        yield begun
    finally:
        over.set()


async def test_a_transaction_that_a_dead_writer_left_open_holds_nobody_up(
    store: MongoReadStore, another_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging(store, monkeypatch) as begun:
        dead = asyncio.create_task(apply(store, NoteTaken(note="a")))
        await begun.wait()
        async with asyncio.timeout(20):
            await another_store.prepare(notes)
            await apply(another_store, NoteTaken(note="b"))
        assert [note["_id"] for note in await all_notes(store)] == ["b"]
    with pytest.raises(ReadStoreUnavailable):
        await dead


MODELS = [ReadModel(name) for name in ("first", "second", "third")]


async def apply_to(store: MongoReadStore, model: ReadModel, change: Change) -> list[DocumentChanged]:
    return await store.apply(model, [(AT_ONE, change)], since=0, start=0, end=AT_ONE)


AT_ONE = recorded(1, NoteRead())


async def test_batches_of_several_read_models_are_one_transaction(
    store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    async def committed() -> int:
        status = await mongo.command("serverStatus")
        return int(status["transactions"]["totalCommitted"])

    await asyncio.gather(*map(store.prepare, MODELS))
    before = await committed()
    changes = [documents.put(model.name, {"praise": 1}) for model in MODELS]
    noted = await asyncio.gather(*map(partial(apply_to, store), MODELS, changes))
    assert await committed() == before + 1
    assert [notice.document_id for [notice] in noted] == [model.name for model in MODELS]
    assert {(await store.checkpoint(model)).position for model in MODELS} == {1}
    assert {note["praise"] for note in await all_notes(store)} == {1}


async def test_of_batches_that_come_together_only_those_fail_that_would_alone(
    store: MongoReadStore,
) -> None:
    impossible, moved, good = MODELS
    await asyncio.gather(*map(store.prepare, MODELS))
    await apply_to(store, moved, documents.put("moved", {"praise": 1}))
    outcomes = await asyncio.gather(
        apply_to(store, impossible, documents.upsert("b", {"$inc": {"_id": 1}})),
        apply_to(store, moved, documents.put("c", {})),
        apply_to(store, good, documents.put("d", {})),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [ChangeImpossible, CheckpointMoved, list]
    assert [note["_id"] for note in await all_notes(store)] == ["d", "moved"]
    assert [(await store.checkpoint(model)).position for model in MODELS] == [0, 1, 1]


async def test_what_a_dead_writer_left_open_for_several_read_models_holds_none_of_them_up(
    store: MongoReadStore, another_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the one whose session it was is not there any more."""
    await asyncio.gather(*map(store.prepare, MODELS))
    with hanging(store, monkeypatch) as begun:
        dead = [asyncio.create_task(apply_to(store, model, documents.put("a", {}))) for model in MODELS]
        await begun.wait()
        async with asyncio.timeout(20):
            for model in MODELS[1:]:
                await another_store.prepare(model)
                await apply_to(another_store, model, documents.put(model.name, {}))
        assert [note["_id"] for note in await all_notes(store)] == ["second", "third"]
    outcomes = await asyncio.gather(*dead, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes[1:]} == {CheckpointMoved}


async def test_what_is_left_open_for_several_read_models_is_ended_by_each_that_begins_anew(
    store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is not known whether a commit went through, it must not do so later."""
    await asyncio.gather(*map(store.prepare, MODELS))
    lost: list[ClientSession] = []

    def loses_the_answer(session: ClientSession) -> None:
        lost.append(session)
        raise AutoReconnect

    with monkeypatch.context() as patch:
        patch.setattr(ClientSession, "commit_transaction", loses_the_answer)
        patch.setattr(ClientSession, "abort_transaction", lambda _: None)
        outcomes = await asyncio.gather(
            *(apply_to(store, model, documents.put("late", {})) for model in MODELS), return_exceptions=True
        )
    assert {type(outcome) for outcome in outcomes} == {ReadStoreUnavailable}
    _, second, _ = MODELS
    await store.prepare(second)
    await apply_to(store, second, documents.put("second", {}))
    with pytest.raises(OperationFailure, match=r"NoSuchTransaction|has been aborted"):
        await asyncio.to_thread(lost[0].commit_transaction)
    assert [note["_id"] for note in await all_notes(store)] == ["second"]


async def test_finds_by_filter_what_the_same_batch_has_put(store: MongoReadStore) -> None:
    await apply(
        store,
        NoteTaken(note="a"),
        TopicRenamed(topic="plain", to="fancy"),
        NoteTaken(note="b"),
        TopicRenamed(topic="fancy", to="plain"),
    )
    assert [(note["_id"], note["topic"], note["position"]) for note in await all_notes(store)] == [
        ("a", "plain", 4),
        ("b", "plain", 3),
    ]


async def test_gives_notice_of_every_document_that_an_event_changed(store: MongoReadStore) -> None:
    taken = (NoteTaken(note="b"), NoteTaken(note="a"), NoteTaken(note="c", topic="other"))
    notices = await apply(store, *taken, TopicRenamed(topic="plain", to="fancy"))
    assert [(notice.position, notice.document_id) for notice in notices] == [
        (1, "b"),
        (2, "a"),
        (3, "c"),
        (4, "a"),
        (4, "b"),
    ]
    assert notices[-1] == DocumentChanged(
        read_model="notes",
        collection="notes",
        document_id="b",
        position=4,
        event_type="TopicRenamed",
        fields=("topic",),
        about="plain",
    )


async def test_changes_of_a_document_by_one_event_are_one_notice(store: MongoReadStore) -> None:
    event = recorded(1, NoteRead())
    changes = [
        (event, documents.upsert("a", {"$inc": {"praise": 1}})),
        (event, documents.upsert("a", {"$inc": {"praise": 1}, "$set": {"topic": "plain"}})),
    ]
    [notice] = await store.apply(notes, changes, since=0, start=0, end=event)
    assert notice.fields == ("praise", "topic")
    assert await all_notes(store) == [{"_id": "a", "praise": 2, "topic": "plain", "position": 1}]


async def test_puts_a_document_instead_of_the_one_before(store: MongoReadStore) -> None:
    await apply(store, NoteTaken(note="a"), NotePraised(note="a"), NoteTaken(note="a", topic="other"))
    assert await all_notes(store) == [{"_id": "a", "topic": "other", "praise": 0, "position": 3}]


async def test_updates_only_what_exists(store: MongoReadStore) -> None:
    await apply(store, NotePraised(note="nobody's"))
    assert await all_notes(store) == []


async def test_keeps_decimals_and_times_exact(store: MongoReadStore) -> None:
    values = {"price": Decimal("0.10"), "at": datetime(2026, 1, 31, 12, tzinfo=UTC), "name": "שלום 🍵"}
    event = recorded(1, NoteRead())
    await store.apply(notes, [(event, documents.put("a", values))], since=0, start=0, end=event)
    [found] = await all_notes(store)
    assert found == {"_id": "a", "position": 1, **values}
    assert str(found["price"]) == "0.10"


async def test_finds_counts_and_sums(store: MongoReadStore) -> None:
    await apply(store, *(NoteTaken(note=str(number), topic="ab"[number % 2]) for number in range(5)))
    found = await store.find(documents, {"topic": "a"}, sort=[("_id", -1)], limit=2)
    assert [note["_id"] for note in found] == ["4", "2"]
    assert await store.count(documents, {"topic": "b"}) == 2
    counted: list[Document] = [{"$group": {"_id": "$topic", "notes": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    assert await store.aggregate(documents, counted) == [
        {"_id": "a", "notes": 3},
        {"_id": "b", "notes": 2},
    ]


async def test_finds_more_than_fits_into_a_reply(
    store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(store, *(NoteTaken(note=str(number)) for number in range(7)))
    monkeypatch.setattr("app.stores.mongo.reads.finding.REPLY_DOCUMENTS", 2)
    sorted_: list[Document] = [{"$sort": {"_id": 1}}]
    for _ in range(3):
        listed, aggregated, first = await asyncio.gather(
            all_notes(store),
            store.aggregate(documents, sorted_),
            store.find(documents, {}, sort=[("_id", 1)], limit=3),
        )
        assert [note["_id"] for note in listed] == [*"0123456"]
        assert (aggregated, first) == (listed, listed[:3])


async def test_preparing_again_changes_nothing(store: MongoReadStore) -> None:
    await apply(store, NoteTaken(note="a"))
    await store.prepare(notes)
    assert (await store.checkpoint(notes)).position == 1


async def test_a_cleared_read_model_starts_from_nothing(store: MongoReadStore) -> None:
    await apply(store, NoteTaken(note="a"))
    await store.clear(notes)
    assert await all_notes(store) == []
    assert (await store.checkpoint(notes)).position == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (documents.update("a", {"$push": {"topic": "b"}}), "The field .code 2."),
        (documents.update("a", {"$nonsense": {"topic": 1}}), r"Unknown modifier: \$nonsense"),
        (
            documents.update_where({"$nonsense": 1}, {"$set": {"topic": 1}}),
            r"unknown .* operator: \$nonsense",
        ),
        (documents.put("b", {"text": "x" * 17_000_000}), "BSONObj size"),
        (documents.put("b", reduce(lambda within, _: {"in": within}, range(200), {})), "nested object depth"),
    ],
    ids=["wrong type", "no operator", "no filter", "too large", "too deep"],
)
async def test_says_what_is_wrong_with_a_change_that_can_never_be_made(
    store: MongoReadStore, change: Change, reason: str
) -> None:
    await apply(store, NoteTaken(note="a"))
    event = recorded(2, NoteRead())
    with pytest.raises(ChangeImpossible, match=reason):
        await store.apply(notes, [(event, change)], since=1, start=1, end=event)
    assert (await store.checkpoint(notes)).position == 1


@pytest.fixture(scope="module")
async def troubled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a mongod that has trouble at command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mongod, "_OPTIONS", (*mongod._OPTIONS, "--setParameter", "enableTestCommands=1"))
        async with embedded_mongod(tmp_path_factory.mktemp("troubled")) as running:
            yield running.url


TROUBLES = {
    "InternalError": 1,
    "Unauthorized": 13,
    "WriteConflict": 112,
    "ExceededMemoryLimit": 146,
    "NotWritablePrimary": 10107,
    "Interrupted": 11601,
    "OutOfDiskSpace": 14031,
}


@pytest.mark.parametrize(
    ("command", "name"), [*product(["find", "update"], TROUBLES), ("commitTransaction", "OutOfDiskSpace")]
)
async def test_a_store_in_trouble_is_no_fault_of_the_change(
    troubled: str, driver: Driver, command: str, name: str
) -> None:
    trouble = {"failCommands": [command], "errorCode": TROUBLES[name]}
    behind: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(troubled)) as behind:
        async with open_read_store(troubled, f"{name}-{command}-{driver}", driver) as store:
            await store.prepare(notes)
            await behind.admin.command(
                {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": trouble}
            )
            again = "Retry when its operator" if name == "Unauthorized" else r"Try again\."
            with pytest.raises(ReadStoreUnavailable, match=again):
                await apply(store, NoteTaken(note="a"), TopicRenamed(topic="plain", to="fancy"))
            await behind.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
            assert (await store.checkpoint(notes)).position == 0
            await apply(store, NoteTaken(note="a"), TopicRenamed(topic="plain", to="fancy"))
            assert [note["topic"] for note in await all_notes(store)] == ["fancy"]


async def test_a_store_that_fails_inside_a_bulk_write_is_no_fault_of_the_change(
    troubled: str, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    after_the_checkpoint = {"configureFailPoint": "failAllUpdates", "mode": {"skip": 1}}
    behind: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(troubled)) as behind:
        async with open_read_store(troubled, f"bulk-{driver}", driver) as store:
            await store.prepare(notes)
            await behind.admin.command(after_the_checkpoint)
            with pytest.raises(ReadStoreUnavailable, match="Try again"):
                await apply(store, NoteTaken(note="a"))
            assert "failAllUpdates failpoint active! (code 1)" in caplog.text
            await behind.admin.command({"configureFailPoint": "failAllUpdates", "mode": "off"})
            await apply(store, NoteTaken(note="a"))
            assert (await store.checkpoint(notes)).position == 1


@pytest.mark.parametrize("event", [NoteTaken(note="a"), NoteRead()])
async def test_a_store_that_takes_no_writes_for_a_while_is_no_fault_of_the_change(
    troubled: str, driver: Driver, event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    behind: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(troubled)) as behind:
        async with open_read_store(troubled, f"blocked-{driver}", driver) as store:
            await store.clear(notes)
            await store.prepare(notes)
            await behind.admin.command({"setUserWriteBlockMode": 1, "global": True})
            try:
                with pytest.raises(ReadStoreUnavailable, match="Try again"):
                    await apply(store, event)
                assert "(code 371)" in caplog.text
            finally:
                await behind.admin.command({"setUserWriteBlockMode": 1, "global": False})
            await apply(store, event)
            assert (await store.checkpoint(notes)).position == 1


@pytest.fixture
async def hurried(troubled: str, driver: Driver) -> AsyncIterator[MongoReadStore]:
    """A store whose transactions may last for a second, with two notes in it."""
    behind: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(troubled)) as behind:
        await behind.admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": 1})
        try:
            async with open_read_store(troubled, f"hurried-{driver}", driver) as store:
                await store.clear(notes)
                await store.prepare(notes)
                await apply(store, NoteTaken(note="a"), NoteTaken(note="b"))
                yield store
        finally:
            await behind.admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": 60})


LONG = documents.update_where({"$where": "sleep(2000) || true"}, {"$set": {"topic": "fancy"}})
SHORT = documents.update("a", {"$set": {"topic": "fancy"}})


@pytest.mark.parametrize("when", ["while it is asked", "between two calls"])
async def test_a_change_that_takes_longer_than_a_transaction_may_is_impossible(
    hurried: MongoReadStore, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    event, write = recorded(3, NoteRead()), hurried._writer._write

    def writes_late(*what: Any) -> list[DocumentChanged]:
        sleep(3)
        return write(*what)

    change = LONG
    if when == "between two calls":
        monkeypatch.setattr(hurried._writer, "_write", writes_late)
        change = SHORT
    with pytest.raises(ChangeTooLarge, match=r"longer than 1 seconds.*transactionLifetimeLimitSeconds"):
        await hurried.apply(notes, [(event, change)], since=2, start=2, end=event)
    monkeypatch.undo()
    await hurried.apply(notes, [(event, SHORT)], since=2, start=2, end=event)
    assert [note["topic"] for note in await all_notes(hurried)] == ["fancy", "plain"]


async def test_who_may_not_ask_how_long_a_transaction_may_take_assumes_a_minute(
    hurried: MongoReadStore, troubled: str
) -> None:
    refuses = {"failCommands": ["getParameter"], "errorCode": TROUBLES["Unauthorized"]}
    event = recorded(3, NoteRead())
    behind: AsyncIOMotorClient[Document]
    with closing(AsyncIOMotorClient(troubled)) as behind:
        await behind.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": refuses})
        try:
            with pytest.raises(ChangeTooLarge, match="longer than 60 seconds"):
                await hurried.apply(notes, [(event, LONG)], since=2, start=2, end=event)
        finally:
            await behind.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


@pytest.mark.campaign
async def test_one_event_may_change_very_many_documents(
    store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    many, padding = 40_000, "x" * 500
    taken = ({"_id": f"{number:05}", "topic": "plain", "padding": padding} for number in range(many))
    await mongo[documents.stored_as].insert_many(taken, ordered=False)
    assert len(await apply(store, TopicRenamed(topic="plain", to="fancy"))) == many
    assert await store.count(documents, {"topic": "fancy", "position": 1}) == many


@pytest.mark.campaign
async def test_a_killed_mongod_comes_back_with_whole_batches_only(
    tmp_path: Path, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENT, "serverSelectionTimeoutMS", 300)
    async with embedded_mongod(tmp_path) as mongod, open_read_store(mongod.url, "test", driver) as store:
        await store.prepare(notes)
        taken = [NoteTaken(note=f"{number:03}") for number in range(100)]
        await apply(store, *taken)
        in_flight = [asyncio.create_task(apply(store, *taken, start=100)), asyncio.create_task(store.probe())]
        await in_flight[1]
        mongod.process.kill()
        await asyncio.wait(in_flight)
        with pytest.raises(ReadStoreUnavailable, match="does not answer"):
            await store.checkpoint(notes)
    acknowledged = 200 if in_flight[0].exception() is None else 100
    async with embedded_mongod(tmp_path) as mongod, open_read_store(mongod.url, "test", driver) as store:
        checkpoint = (await store.checkpoint(notes)).position
        assert checkpoint >= acknowledged
        found = await all_notes(store)
        assert [note["position"] for note in found] == list(range(checkpoint - 99, checkpoint + 1))


async def test_says_so_when_there_is_no_read_store(
    tmp_path: Path, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENT, "serverSelectionTimeoutMS", 1)
    url = f"mongodb://{str(tmp_path).replace('/', '%2F')}%2Fnone.sock/?directConnection=true"
    async with open_read_store(url, "test", driver) as store:
        with pytest.raises(ReadStoreUnavailable, match="does not answer"):
            await store.probe()


@pytest.fixture
async def not_ready(tmp_path: Path) -> AsyncIterator[Mongod]:
    """One that has just started does not know its replica set, and so has no sessions."""
    folder = mongod._private_folder(tmp_path)
    process = await mongod._spawn(find_mongod(None), folder)
    socket = folder / mongod._SOCKET
    started = Mongod(url=f"mongodb://{quote_plus(str(socket))}/?directConnection=true", process=process)
    try:
        await mongod._accepts_connections(process, socket)
        yield started
    finally:
        await started.stop()


async def test_a_mongod_that_is_not_ready_yet_is_no_fault_of_the_change(
    not_ready: Mongod, driver: Driver
) -> None:
    async with open_read_store(not_ready.url, "test", driver) as store:
        with pytest.raises(ReadStoreUnavailable):
            await store.prepare(notes)
        with pytest.raises(ReadStoreUnavailable):
            await apply(store, NoteTaken(note="a"))


async def test_connections_that_were_made_before_mongod_was_ready_are_not_used_after(
    not_ready: Mongod, driver: Driver, tmp_path: Path
) -> None:
    """Each of them would say for ever that this mongod has no sessions."""
    models = [ReadModel(f"notes_{number}") for number in range(8)]
    event = recorded(1, NoteTaken(note="a"))
    async with open_read_store(not_ready.url, "test", driver) as store:

        async def apply_to(model: ReadModel) -> None:
            alone = documents.update_where({"topic": model.name}, {"$set": {"praise": 0}})
            await store.apply(model, [(event, alone)], since=0, start=0, end=event)

        early = await asyncio.gather(*map(store.checkpoint, models), return_exceptions=True)
        assert {type(outcome) for outcome in early} == {ReadStoreUnavailable}
        await mongod._become_primary(not_ready, tmp_path / "mongo" / mongod._SOCKET, tmp_path / "log")
        for model in (notes, *models):  # One after the other, so that no more connections are made.
            await store.prepare(model)
        first = await asyncio.gather(*map(apply_to, models), return_exceptions=True)
        unlucky = [model for model, refusal in zip(models, first, strict=True) if refusal]
        assert unlucky, "nobody met such a connection: nothing is shown"
        await asyncio.gather(*map(apply_to, unlucky))


@pytest.mark.campaign
async def test_who_watches_hears_that_mongod_is_gone_before_anything_is_read_from_the_next(
    tmp_path: Path, driver: Driver
) -> None:
    told: list[str] = []
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(embedded_mongod(tmp_path))
        store = await running.enter_async_context(
            open_read_store(server.url, "test", driver, lost=lambda: told.append("lost"))
        )
        await store.prepare(notes)
        for _ in range(3):
            server.process.kill()
            await server.process.wait()
            server = await running.enter_async_context(embedded_mongod(tmp_path))
            async with asyncio.timeout(20):
                while True:
                    try:
                        await store.find(documents, {})
                    except ReadStoreUnavailable:
                        continue
                    break
            assert told == ["lost"]
            told.clear()
