"""A read model that is built anew beside the documents that serve: what readers and followers notice."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Document
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.freshness.tokens import Token
from app.cqrs.live.following import Live, Reset
from app.cqrs.live.notices import topic
from app.cqrs.reading.sources import all_of
from app.cqrs.rebuilding.rebuilds import RebuildRefused
from app.cqrs.rebuilding.records import RebuildState
from app.cqrs.viewers import OPEN
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, MemoryLog
from tests.cqrs.notes import NoteDropped, NotePraised, NoteTaken, TopicRenamed, documents, notes
from tests.cqrs.rebuilding.rebuilt import Rebuilt

SECOND = notes.of(notes.generation.numbered(2))


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    log.append(*(NoteTaken(note=f"{number}", topic="tea") for number in range(8)), NotePraised(note="1"))
    log.append(TopicRenamed(topic="tea", to="coffee"), NoteDropped(note="3"))
    return log


@pytest.fixture
def desk(read_store: MongoReadStore, log: MemoryLog) -> Rebuilt:
    return Rebuilt(read_store, log)


async def tampered(mongo: AsyncIOMotorDatabase[Document]) -> None:
    """Changes, removes and adds a document behind the projector's back."""
    await mongo[notes.key].update_one({"_id": "1"}, {"$set": {"praise": 7}})
    await mongo[notes.key].delete_one({"_id": "2"})
    await mongo[notes.key].insert_one({"_id": "ghost", "position": 1})


async def test_documents_are_built_anew_while_events_arrive_and_equal_those_of_before(desk: Rebuilt) -> None:
    async with desk.running():
        await desk.shows_all()
        assert await desk.rebuilds.begin("notes") is None
        for number in range(20):
            await desk.publish(NotePraised(note="1"), NoteTaken(note=f"new {number}"))
        await desk.becomes(RebuildState.SWITCHED)
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()
        shown = await desk.shown()
        assert shown == await desk.store.find(SECOND.collections[0], {}, sort=[("_id", 1)])
        assert shown[1]["praise"] == 22
        kept = await desk.store.checkpoint(notes)
        assert kept.position == desk.progress.position, "the former documents are kept up to date"
        assert await desk.store.find(documents, {}, sort=[("_id", 1)]) == shown


async def test_what_somebody_has_tampered_with_is_right_again(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    async with desk.running():
        await desk.shows_all()
        before = await desk.shown()
        await tampered(mongo)
        assert await desk.shown() != before
        await desk.rebuilt()
        assert await desk.shown() == before


async def test_no_token_is_unsatisfied_by_a_switch_and_the_position_never_goes_back(desk: Rebuilt) -> None:
    seen = list[int]()
    async with desk.running():
        await desk.shows_all()
        desk.progress.watch(lambda progress: seen.append(progress.position))
        assert await desk.rebuilds.begin("notes", keep=timedelta()) is None
        while desk.rebuilds.progress()[0].state is RebuildState.BUILDING:
            await desk.publish(NotePraised(note="1"))
            await desk.progress.wait_for(len(desk.log.events), PATIENCE)
            [note] = await desk.readers.find(documents, {"_id": "1"})
            assert note["position"] == len(desk.log.events)
    assert seen == sorted(seen)


async def test_listeners_get_reset_and_go_on_and_kept_answers_are_forgotten(desk: Rebuilt) -> None:
    async with desk.running():
        await desk.shows_all()
        live = Live(desk.readers, desk.notices, {"notes": desk.progress}, heartbeat=60.0)
        changes = live.changes(("notes",), None)
        followed = live.documents(
            documents, {"_id": "1"}, topic("notes", document="1"), None, scope=OPEN.scope
        )
        first = (await anext(changes), await anext(followed))
        next_change, next_state = (
            asyncio.ensure_future(anext(changes)),
            asyncio.ensure_future(anext(followed)),
        )
        desk.cache.put(
            "answer", 1, size=1, read_models=["notes"], sources=[all_of(documents)], since=desk.cache.mark()
        )
        assert desk.cache.get("answer")
        await desk.rebuilt()
        assert desk.cache.get("answer") is None
        assert isinstance((await next_change).item, Reset)
        again = await next_state
        assert (again.document, again.reset) == (first[1].document, True)
        await desk.publish(NotePraised(note="1"))
        assert (await anext(changes)).reached["notes"][0] == len(desk.log.events)
        assert (await anext(followed)).document["praise"] == 2
        resumed = live.changes(("notes",), Token(5))
        assert isinstance((await anext(resumed)).item, Reset), "a cursor from before the switch is valid"


async def test_a_rollback_is_immediate_and_not_stale(desk: Rebuilt) -> None:
    async with desk.running():
        await desk.shows_all()
        await desk.rebuilt()
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()
        shown = await desk.shown()
        assert await desk.rebuilds.roll_back("notes") is None
        assert desk.progress.position == len(desk.log.events)
        assert await desk.store.find(documents, {}, sort=[("_id", 1)]) == shown == await desk.shown()
        assert (await desk.store.records.record(notes)).serving == notes.generation
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()
        assert (await desk.shown())[1]["praise"] == 3
        assert desk.rebuilds.progress()[0].state is RebuildState.ROLLED_BACK
        refusal = await desk.rebuilds.roll_back("notes")
        assert isinstance(refusal, RebuildRefused)
        assert "no former documents of notes" in refusal.message


async def test_an_aborted_rebuild_leaves_nothing_behind(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document], held: Callable[[], Any]
) -> None:
    async with desk.running() as rebuilder:
        await desk.shows_all()
        assert await desk.rebuilds.begin("notes") is None
        await desk.until(lambda: rebuilder.built and rebuilder.built.progress.position)
        refusal = await desk.rebuilds.begin("notes")
        assert refusal is not None
        assert "is under way since" in refusal.message
        assert await desk.rebuilds.abort("notes") is None
        await desk.until(lambda: rebuilder.built is None)
        await desk.until_dropped(SECOND)
        assert [each.key for each in await desk.store.generations(notes)] == [notes.key]
        assert SECOND.key not in await mongo.list_collection_names()
        assert desk.rebuilds.progress()[0].state is RebuildState.ABORTED
        assert (await desk.rebuilds.abort("notes")) is not None


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, log: MemoryLog) -> None:
    """Keeps rebuilds from ever reaching the head: the log has another event after each batch they read."""
    read = log.read

    async def reading(*, after: int, limit: int) -> Any:
        if limit <= 5:
            log.append(*(NotePraised(note="1") for _ in range(4)))
            await asyncio.sleep(0)
        return await read(after=after, limit=limit)

    monkeypatch.setattr(log, "read", reading)


async def test_a_comparison_names_what_differs_and_holds_the_switch_until_an_operator_accepts(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    async with desk.running():
        await desk.shows_all()
        await desk.rebuilt(verify=True)
        assert await desk.rebuilds.roll_back("notes") is None
        await tampered(mongo)
        assert await desk.rebuilds.begin("notes", verify=True) is None
        for _ in range(5):
            await desk.publish(NotePraised(note="5"))
        await desk.becomes(RebuildState.DIFFERENT)
        [said] = desk.rebuilds.progress()
        assert said.reason == (
            "3 of 8 documents differ: notes/1 differs in praise; notes/2 is only in the new documents; "
            "notes/ghost is missing in the new documents"
        )
        assert (await desk.shown())[1]["praise"] == 7, "it has not switched"
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()
        assert await desk.rebuilds.begin("notes", accept=True) is None
        await desk.becomes(RebuildState.SWITCHED)
        assert (await desk.shown())[1]["praise"] == 2
        assert (await desk.rebuilds.begin("notes", accept=True)) is not None, "nothing is known to accept"


@pytest.mark.parametrize("again", range(3))
async def test_a_restarted_process_goes_on_with_the_rebuild(
    read_store: MongoReadStore, log: MemoryLog, held: None, monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    first = Rebuilt(read_store, log)
    async with first.running() as rebuilder:
        await first.shows_all()
        assert await first.rebuilds.begin("notes") is None
        await first.until(lambda: rebuilder.built and rebuilder.built.progress.position > 5 * again)
    monkeypatch.undo()
    reached = (await read_store.checkpoint(SECOND)).position
    assert reached
    then = Rebuilt(read_store, log)
    async with then.running():
        await then.becomes(RebuildState.SWITCHED)
        assert min(after for after, limit in log.reads if limit <= 5) < reached
        await then.shows_all()
        assert await then.shown() == await read_store.find(documents, {}, sort=[("_id", 1)])
    last = Rebuilt(read_store, log)
    async with last.running():
        assert last.readers is not then.readers
        await last.shows_all()
        assert last.rebuilds.progress()[0].state is RebuildState.SWITCHED
        assert await last.rebuilds.roll_back("notes") is None


async def test_an_event_that_cant_be_applied_fails_the_rebuild_alone(
    desk: Rebuilt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0)
    async with desk.running():
        await desk.shows_all()
        desk.log.events[4] = desk.log.events[4].__class__(
            **{**vars(desk.log.events[4]), "event": NotePraised(note="1", by="much")}
        )
        assert await desk.rebuilds.begin("notes") is None
        await desk.becomes(RebuildState.FAILED)
        [said] = desk.rebuilds.progress()
        assert said.position == 4
        assert "at position 5 can't be applied" in str(said.reason)
        assert desk.progress.state is ReadModelState.LIVE
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()
        desk.log.events[4] = desk.log.events[4].__class__(
            **{**vars(desk.log.events[4]), "event": NoteTaken(note="4", topic="tea")}
        )
        assert await desk.rebuilds.begin("notes") is None, "it is retried"
        await desk.becomes(RebuildState.SWITCHED)


async def test_the_former_documents_are_dropped_after_their_time(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.rebuilding.running.UNREAD_AFTER", 0)
    async with desk.running():
        await desk.shows_all()
        await desk.rebuilt(keep=timedelta(milliseconds=200))
        await desk.becomes(RebuildState.FINISHED)
        await desk.until_dropped(notes)
        assert [each.key for each in await desk.store.generations(notes)] == [SECOND.key]
        assert notes.key not in await mongo.list_collection_names()
        await desk.rebuilt()
        assert len(await desk.shown()) == 7
    assert (await desk.store.records.record(notes)).serving.number == 3


async def test_an_empty_log_is_rebuilt_at_once(read_store: MongoReadStore) -> None:
    desk = Rebuilt(read_store, MemoryLog())
    async with desk.running():
        await desk.rebuilt(verify=True)
        await desk.publish(NoteTaken(note="a"))
        await desk.shows_all()
        assert [note["_id"] for note in await desk.shown()] == ["a"]
