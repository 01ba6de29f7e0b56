"""A program with other code starts on the documents of the one before: which are shown, and until when."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.audiences import EVERYBODY
from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.freshness.progress import ReadModelBehind, ReadModelState
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.generations import prune, succeed
from app.cqrs.rebuilding.records import RebuildState
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken
from tests.cqrs.rebuilding.rebuilt import Rebuilt


def version(number: int, *, also_reads: Sequence[str] = ()) -> ReadModel:
    """`notes` as the version with this number makes it."""
    model = ReadModel("notes", version=number, also_reads=also_reads)
    documents = model.collection(seen_by=EVERYBODY)

    @model.on(NoteTaken)
    def taken(event: NoteTaken, _at: RecordedEvent) -> Iterator[Change]:
        yield documents.put(event.note, {"praise": 0})

    @model.on(NotePraised)
    def praised(event: NotePraised, _at: RecordedEvent) -> Iterator[Change]:
        yield documents.update(event.note, {"$inc": {"praise": event.by}})

    return model


BEFORE = version(1)
AFTER = version(2, also_reads=(BEFORE.fingerprint,))


@pytest.fixture
async def log(read_store: MongoReadStore) -> MemoryLog:
    """A log whose events the version before has applied, and one that came later."""
    log = MemoryLog()
    log.append(NoteTaken(note="a"), NoteTaken(note="b"), NotePraised(note="a"))
    before = Rebuilt(read_store, log, model=BEFORE)
    async with before.running():
        await before.shows_all()
        await before.rebuilt()
    log.append(NotePraised(note="a"))
    return log


@pytest.fixture
def gate(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Keeps a rebuild from its first event until it is set."""
    opened, read = asyncio.Event(), log.read

    async def reading(*, after: int, limit: int) -> Any:
        if after == 0 and limit > 1:
            await opened.wait()
        return await read(after=after, limit=limit)

    monkeypatch.setattr(log, "read", reading)
    return opened


async def test_the_documents_of_before_serve_until_the_new_ones_are_there(
    read_store: MongoReadStore, log: MemoryLog, gate: asyncio.Event, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    desk = Rebuilt(read_store, log, model=AFTER)
    async with desk.running() as rebuilder:
        await desk.progress.wait_for(3, 10)
        assert [note["praise"] for note in await desk.shown()] == [1, 0]
        assert desk.progress.freshness().state is ReadModelState.CATCHING_UP
        assert rebuilder.serving.model.generation == BEFORE.generation.numbered(2)
        with pytest.raises(ReadModelBehind, match="has reached position 3, not 4 yet"):
            await desk.progress.wait_for(4, 0.05)
        [told] = desk.rebuilds.progress()
        assert told.state is RebuildState.BUILDING
        refused = await desk.rebuilds.abort("notes")
        assert refused is not None
        assert "were made by another version" in refused.message
        assert await prune([AFTER], read_store) == ([], ["notes"]), "they are read"
        gate.set()
        await desk.becomes(RebuildState.FINISHED)
        await desk.shows_all()
        assert [note["praise"] for note in await desk.shown()] == [2, 0]
        assert desk.progress.freshness().state is ReadModelState.LIVE
        assert await desk.rebuilds.roll_back("notes") is not None
        await succeed(AFTER, desk.progress, read_store, alone=True)
        assert [each.generation for each in await read_store.generations(AFTER)] == [AFTER.generation]
    assert not [name for name in await mongo.list_collection_names() if name.startswith(BEFORE.key)]


async def test_a_start_that_is_killed_goes_on_the_same_way(
    read_store: MongoReadStore, log: MemoryLog, gate: asyncio.Event
) -> None:
    for _ in range(2):
        desk = Rebuilt(read_store, log, model=AFTER)
        async with desk.running():
            await desk.progress.wait_for(3, 10)
            assert [note["praise"] for note in await desk.shown()] == [1, 0]
    gate.set()
    async with desk.running():
        await desk.becomes(RebuildState.FINISHED)
        assert [note["praise"] for note in await desk.shown()] == [2, 0]


async def test_documents_whose_shape_the_queries_may_not_know_are_never_shown(
    read_store: MongoReadStore, log: MemoryLog, gate: asyncio.Event
) -> None:
    desk = Rebuilt(read_store, log, model=version(3, also_reads=("01234567",)))
    async with desk.running():
        assert await desk.shown() == []
        assert desk.rebuilds.progress() == []
        gate.set()
        await desk.shows_all()
        assert [note["praise"] for note in await desk.shown()] == [2, 0]


async def test_documents_of_before_that_are_lost_do_not_hold_up_the_new_ones(
    read_store: MongoReadStore, log: MemoryLog, gate: asyncio.Event, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    desk = Rebuilt(read_store, log, model=AFTER)
    async with desk.running() as rebuilder:
        await desk.progress.wait_for(3, 10)
        await mongo.drop_collection(BEFORE.generation.numbered(2).key)
        rebuilder.serving.doubt()
        gate.set()
        await desk.becomes(RebuildState.FINISHED)
        assert [note["praise"] for note in await desk.shown()] == [2, 0]


async def test_documents_that_serve_are_not_dropped_while_reads_may_be_under_way(
    read_store: MongoReadStore, log: MemoryLog, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cqrs.projecting.generations.UNREAD_AFTER", 0.01)
    desk = Rebuilt(read_store, log, model=AFTER)
    async with desk.running():
        await desk.progress.wait_for(3, 10)
        succeeding = asyncio.create_task(succeed(AFTER, desk.progress, read_store, alone=True))
        gate.set()
        await desk.becomes(RebuildState.FINISHED)
        await succeeding
        assert [each.generation for each in await read_store.generations(AFTER)] == [AFTER.generation]
