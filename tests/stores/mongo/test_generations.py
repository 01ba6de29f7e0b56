"""Generations in MongoDB: their names, their record, and the switch, which happens as a whole or not."""

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import Document, ReadModel
from app.cqrs.documents.store import CheckpointMoved
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.rebuilding.records import GenerationRecord, RebuildState, RecordMoved
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.store import MongoReadStore
from app.stores.mongo.writing import MongoWriter
from tests.cqrs.desk import PATIENCE, MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken, changes_of, notes, recorded
from tests.cqrs.rebuilding.rebuilt import Rebuilt

SECOND = notes.of(notes.generation.numbered(2))
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVENTS = [recorded(position, NoteTaken(note=str(position))) for position in (1, 2, 3)]


async def both_at(store: MongoReadStore, former: int, other: int) -> GenerationRecord:
    """Two generations at these positions, and the record of a rebuild that is under way."""
    for model, position in ((notes, former), (SECOND, other)):
        await store.prepare(model)
        events = EVENTS[:position]
        changes = [(event, change) for event in events for change in model.changes(event)]
        await store.apply(model, changes, since=0, start=0, end=events[-1])
    begun = (await store.records.record(notes)).begun(NOW, keep=timedelta(hours=1), verify=True)
    return await store.records.save(begun)


@pytest.mark.parametrize("key", ["notes_0123abcd", "notes_0123abcd.2", "a_b_v3", "a_b_01234567.12"])
def test_a_generation_is_known_by_its_name(key: str) -> None:
    assert Generation.of_key(key).key == key


@pytest.mark.parametrize("key", ["notes", "notes_0123", "notes_0123abcd.", "notes_0123abcd_part"])
def test_other_names_are_no_generations(key: str) -> None:
    with pytest.raises(ValueError, match="is no generation"):
        Generation.of_key(key)


async def test_a_record_is_read_as_it_was_stored(read_store: MongoReadStore) -> None:
    first = await read_store.records.record(notes)
    assert first == GenerationRecord(own=notes.generation, serving=notes.generation)
    begun = await read_store.records.save(first.begun(NOW, keep=timedelta(minutes=5), verify=True))
    assert await read_store.records.record(notes) == begun
    failed = await read_store.records.save(begun.noted(NOW, RebuildState.FAILED, 7, "no ink"))
    assert await read_store.records.record(SECOND) == failed
    with pytest.raises(RecordMoved, match="is not at revision 1 any more"):
        await read_store.records.save(begun.aborted(NOW))
    with pytest.raises(RecordMoved, match="the first change"):
        await read_store.records.save(first)


async def test_the_pointer_and_the_checkpoint_change_together(read_store: MongoReadStore) -> None:
    record = await both_at(read_store, 3, 2)
    move = CheckpointMove(since=2, start=3, end=EVENTS[2])
    switched = await read_store.records.switch(record.switched(NOW, 3), notes.generation, move)
    assert switched.serving == SECOND.generation
    assert await read_store.records.record(notes) == switched
    assert (await read_store.checkpoint(SECOND)).position == 3
    assert (await read_store.checkpoint(SECOND)).event_id == EVENTS[2].event_id


async def test_neither_changes_if_the_other_documents_are_not_there(read_store: MongoReadStore) -> None:
    record = await both_at(read_store, 3, 1)
    moves = {
        "is not at 3 any more": CheckpointMove(since=2, start=3, end=EVENTS[2]),
        "are further than 2": CheckpointMove(since=1, start=1, end=EVENTS[1]),
    }
    for said, move in moves.items():
        with pytest.raises(CheckpointMoved, match=said):
            await read_store.records.switch(record.switched(NOW, 3), notes.generation, move)
        assert await read_store.records.record(notes) == record
        assert (await read_store.checkpoint(SECOND)).position == 1


async def test_neither_changes_if_another_process_has_changed_the_record(
    read_store: MongoReadStore, another_store: MongoReadStore
) -> None:
    record = await both_at(read_store, 2, 1)
    aborted = await another_store.records.save(record.aborted(NOW))
    move = CheckpointMove(since=1, start=2, end=EVENTS[1])
    with pytest.raises(RecordMoved):
        await read_store.records.switch(record.switched(NOW, 2), notes.generation, move)
    assert await read_store.records.record(notes) == aborted
    assert (await read_store.checkpoint(SECOND)).position == 1


class LosingAnswers:
    """The real records; the first switch has no answer, because the store fails before it, or after it."""

    def __init__(self, store: MongoReadStore, *, after: bool) -> None:
        self._records, self._after, self.switches = store.records, after, 0
        self.record, self.save, self.comparison = (
            store.records.record,
            store.records.save,
            store.records.comparison,
        )

    async def switch(
        self, record: GenerationRecord, former: Generation, move: CheckpointMove
    ) -> GenerationRecord:
        self.switches += 1
        if self.switches > 1:
            return await self._records.switch(record, former, move)
        if self._after:
            await self._records.switch(record, former, move)
        raise ReadStoreUnavailable("The read store does not answer.")


@pytest.mark.parametrize("after", [False, True])
async def test_a_switch_without_an_answer_has_happened_or_happens_later(
    read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr("app.cqrs.rebuilding.rebuilder.PAUSE", 0.01)
    records, log = LosingAnswers(read_store, after=after), MemoryLog()
    log.append(NoteTaken(note="a"), NotePraised(note="a"))
    desk = Rebuilt(read_store, log, records=records)
    async with desk.running() as rebuilder:
        await desk.rebuilt()
        await desk.until(lambda: rebuilder.serving.model.generation == SECOND.generation)
        await desk.publish(NotePraised(note="a"))
        await desk.shows_all()
        assert [note["praise"] for note in await desk.shown()] == [2]
        assert records.switches == (1 if after else 2)
        assert (await read_store.checkpoint(SECOND)).position == 3


async def test_a_process_follows_a_switch_by_another_one(
    read_store: MongoReadStore, another_store: MongoReadStore
) -> None:
    log = MemoryLog()
    log.append(NoteTaken(note="a"))
    one, other = Rebuilt(read_store, log), Rebuilt(another_store, log, poll=0.05)
    async with one.running(), other.running() as following:
        await one.shows_all()
        await other.shows_all()
        await one.rebuilt()
        await other.until(lambda: following.serving.model.generation == SECOND.generation)
        assert await other.shown() == await one.shown()


async def test_dropping_the_first_generation_leaves_the_second(
    read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    record = await both_at(read_store, 3, 3)
    await read_store.drop(notes.generation)
    assert [each.generation for each in await read_store.generations(notes)] == [SECOND.generation]
    assert await read_store.count(SECOND.collections[0], {}) == 3
    assert await read_store.records.record(notes) == record
    await read_store.drop(SECOND.generation)
    assert (await read_store.records.record(notes)).revision == 0
    assert not {notes.key, SECOND.key} & {*await mongo.list_collection_names()}


@pytest.mark.parametrize("restarted", [notes, SECOND])
async def test_a_projector_that_starts_again_ends_the_transaction_of_its_own_generation_alone(
    read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch, restarted: ReadModel
) -> None:
    await both_at(read_store, 1, 1)
    written, goes_on = Event(), Event()
    write = MongoWriter._write

    def slowly(*arguments: Any) -> Any:
        notices = write(*arguments)
        written.set()
        goes_on.wait(PATIENCE)
        return notices

    monkeypatch.setattr(MongoWriter, "_write", slowly)
    applied = read_store.apply(notes, changes_of(EVENTS[1:]), since=1, start=1, end=EVENTS[2])
    applying = asyncio.create_task(applied)
    assert await asyncio.to_thread(written.wait, PATIENCE)
    await read_store.prepare(restarted)
    goes_on.set()
    if restarted is SECOND:
        assert len(await applying) == 2
    else:
        with pytest.raises(ReadStoreUnavailable):
            await applying


async def test_a_comparison_shows_the_moment_at_which_it_was_made(
    read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    await both_at(read_store, 3, 3)
    await mongo[SECOND.key].update_one({"_id": "1"}, {"$set": {"praise": 0.0, "more": {"deep": 1}}})
    await mongo[SECOND.key].update_one({"_id": "2"}, [{"$replaceWith": {"praise": 0, "topic": "plain"}}])
    comparison = await read_store.records.comparison(notes, SECOND)
    await mongo[SECOND.key].delete_many({})
    report = await comparison.report()
    comparison.close()
    assert (report.compared, report.differing) == (3, 2)
    assert [str(each) for each in report.first] == [
        "notes/1 differs in more, praise",
        "notes/2 differs in position",
    ]
    ended = await read_store.records.comparison(notes, SECOND)
    ended.close()
    assert not (await ended.report()).is_clean
