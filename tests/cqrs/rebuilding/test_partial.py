"""Some documents of a read model that are made anew in their places: which they are, and who notices."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.reading.sources import all_of
from app.cqrs.rebuilding.differences import Report
from app.cqrs.rebuilding.partial import MOST_DOCUMENTS, Replaced
from app.cqrs.rebuilding.parts import PartProgress
from app.cqrs.rebuilding.rebuilds import RebuildRefused
from app.cqrs.rebuilding.selection import Selection
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.store import MongoReadStore
from app.stores.mongo.writes.replacing import Replacement
from tests.cqrs.desk import PATIENCE, MemoryLog
from tests.cqrs.notes import NoteDropped, NotePraised, NoteTaken, TopicRenamed, changes_of, documents, notes
from tests.cqrs.rebuilding.rebuilt import Rebuilt

ONE = Selection(document="1")
Ids = Mapping[str, Sequence[str]]
Changes = Sequence[tuple[RecordedEvent, Change]]


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    log.append(*(NoteTaken(note=f"{number}", topic="tea") for number in range(4)), NotePraised(note="1"))
    log.append(NoteTaken(note="other", topic="soup"), NoteDropped(note="3"))
    log.append(TopicRenamed(topic="tea", to="coffee"), TopicRenamed(topic="coffee", to="cocoa"))
    return log


@pytest.fixture
def desk(read_store: MongoReadStore, log: MemoryLog) -> Rebuilt:
    return Rebuilt(read_store, log)


async def tampered(mongo: AsyncIOMotorDatabase[Document]) -> None:
    """Changes all documents behind the projector's back, removes one and adds two."""
    await mongo[notes.key].update_many({}, {"$set": {"topic": "gone", "praise": 7}})
    await mongo[notes.key].delete_one({"_id": "2"})
    await mongo[notes.key].insert_many([{"_id": "3", "position": 1}, {"_id": "late", "position": 9}])


async def remade(desk: Rebuilt, selection: Selection) -> Replaced:
    progress = await desk.rebuilds.rebuild_some("notes", selection, PATIENCE)
    assert isinstance(progress, PartProgress), progress
    assert progress.replaced is not None
    return progress.replaced


async def refused(desk: Rebuilt, selection: Selection) -> str:
    refusal = await desk.rebuilds.rebuild_some("notes", selection, PATIENCE)
    assert isinstance(refusal, RebuildRefused)
    return refusal.message


@pytest.mark.parametrize(
    ("selection", "right_again"),
    [
        (Selection(document="1"), ["1"]),
        (Selection(document="notes/2"), ["2"]),
        (Selection(document="3"), ["3"]),
        (Selection(stream="note-1"), ["0", "1", "2", "3", "other"]),
        # A rename concerns all notes that ever had the topic, also those that an earlier rename gave it to.
        (Selection(since=9), ["0", "1", "2", "3", "late"]),
        (Selection(since=6), ["0", "1", "2", "3", "other", "late"]),
    ],
)
async def test_tampered_documents_are_right_again_and_no_others_change(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document], selection: Selection, right_again: list[str]
) -> None:
    async with desk.running():
        await desk.shows_all()
        before = {each["_id"]: each for each in await desk.shown()}
        assert before["2"] == {"_id": "2", "topic": "cocoa", "praise": 0, "position": 9}
        await tampered(mongo)
        wrong = {each["_id"]: each for each in await desk.shown()}
        replaced = await remade(desk, selection)
        after = {each["_id"]: each for each in await desk.shown()}
        for id in {*before, *wrong}:
            assert after.get(id) == (before if id in right_again else wrong).get(id), id
        assert replaced.report.differing == len(right_again)
        assert replaced.position == len(desk.log.events)
        if selection.document != "3":  # which an event has dropped
            assert (await remade(desk, selection)).report.is_clean
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()


async def test_the_differences_are_named(desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document]) -> None:
    async with desk.running():
        await desk.shows_all()
        await tampered(mongo)
        report = (await remade(desk, Selection(since=1))).report
        assert str(report) == (
            "6 of 6 documents differ: notes/0 differs in praise, topic; notes/1 differs in praise, topic; "
            "notes/2 is only in the new documents; notes/3 is missing in the new documents; "
            "notes/late is missing in the new documents; notes/other differs in praise, topic"
        )


async def test_events_that_arrive_meanwhile_are_not_lost_nor_applied_twice(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.running():
        await desk.shows_all()
        await tampered(mongo)
        read, praised = desk.log.read, 0

        async def interleaved(*, after: int, limit: int) -> Sequence[RecordedEvent]:
            nonlocal praised
            found = await read(after=after, limit=limit)
            if after == 0 and praised < 3:
                praised += 1
                await desk.publish(NotePraised(note="1"), NoteTaken(note=f"new {praised}"))
                await desk.shows_all()
            return found

        with monkeypatch.context() as patched:
            patched.setattr(desk.log, "read", interleaved)
            writers = [asyncio.create_task(desk.publish(NotePraised(note="1"))) for _ in range(5)]
            await remade(desk, ONE)
            await asyncio.gather(*writers)
        await desk.shows_all()
        assert praised == 1
        one = {each["_id"]: each for each in await desk.shown()}["1"]
        assert (one["topic"], one["praise"]) == ("cocoa", 1 + 1 + 5)


async def test_kept_answers_are_forgotten_and_nobody_is_told_if_nothing_was_different(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    async with desk.running():
        await desk.shows_all()

        def keep() -> None:
            desk.cache.put(
                "answer",
                1,
                size=1,
                read_models=["notes"],
                sources=[all_of(documents)],
                since=desk.cache.mark(),
            )
            assert desk.cache.get("answer")

        with desk.notices.listen("notes/1") as listener:
            keep()
            assert (await remade(desk, ONE)).report.is_clean
            assert not listener.take_set_back()
        with desk.notices.listen("notes/1") as listener:
            keep()
            await tampered(mongo)
            await remade(desk, ONE)
            assert listener.take_set_back(), "those who follow it read it again"
            assert desk.cache.get("answer") is None
            keep()


class Interrupted:
    """The real store, before whose transaction something happens."""

    def __init__(self, store: MongoReadStore, log: MemoryLog) -> None:
        self._store, self._log = store, log
        self.find = store.find

    async def replace(self, model: ReadModel, ids: Ids, changes: Changes, *, move: CheckpointMove) -> Report:
        """Another process, which knows an event more, applies it first."""
        batch = self._log.append(NotePraised(note="1"))
        last = batch.events[-1]
        await self._store.apply(model, changes_of(batch.events), since=move.since, start=move.start, end=last)
        return await self._store.replace(model, ids, changes, move=move)


async def test_documents_that_another_process_has_changed_meanwhile_are_left_to_it(
    read_store: MongoReadStore, log: MemoryLog, mongo: AsyncIOMotorDatabase[Document]
) -> None:
    desk = Rebuilt(read_store, log, replacer=Interrupted(read_store, log))
    async with desk.running():
        await desk.shows_all()
        await tampered(mongo)
        assert "Another process has changed the documents meanwhile" in await refused(desk, ONE)
        assert {each["_id"]: each for each in await desk.shown()}["1"]["praise"] == 8
        desk.replacer = read_store
        await desk.shows_all()


async def test_a_rebuild_that_ends_in_its_transaction_leaves_the_documents_as_they_were(
    desk: Rebuilt, mongo: AsyncIOMotorDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.running():
        await desk.shows_all()
        await tampered(mongo)
        before = await desk.shown()
        with monkeypatch.context() as patched:
            patched.setattr(Replacement, "report", _ends)
            with pytest.raises(ReadStoreUnavailable):
                await desk.rebuilds.rebuild_some("notes", ONE, PATIENCE)
        assert await desk.shown() == before
        assert (await remade(desk, ONE)).report.differing == 1
        await desk.publish(NotePraised(note="1"))
        await desk.shows_all()


def _ends(_: Replacement) -> Report:
    raise ReadStoreUnavailable("The read store does not answer.")


async def test_what_chooses_nothing_or_too_much_is_refused_with_what_to_do(
    desk: Rebuilt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.running():
        await desk.shows_all()
        said = await refused(desk, Selection(document="nobody"))
        assert said.startswith("notes has no document nobody, and the log makes none.")
        said = await refused(desk, Selection(stream="note-2"))
        assert said.startswith("No event of the stream note-2 concerns a document of notes.")
        said = await refused(desk, Selection(since=99))
        assert said.startswith("No event from position 99 on concerns a document of notes.")
        monkeypatch.setattr("app.cqrs.rebuilding.partial.MOST_DOCUMENTS", 3)
        said = await refused(desk, Selection(since=1))
        assert said.startswith("More than 3 documents of notes would be made anew at once. Choose fewer,")
        monkeypatch.setattr("app.cqrs.rebuilding.partial.MOST_DOCUMENTS", MOST_DOCUMENTS)
        monkeypatch.setattr("app.cqrs.rebuilding.partial.MOST_CHANGES", 2)
        said = await refused(desk, Selection(since=1))
        assert said.startswith("The documents are made of more than 2 changes.")


async def test_one_at_a_time_and_whoever_asks_again_is_told_the_outcome(desk: Rebuilt) -> None:
    async with desk.running() as rebuilder:
        await desk.shows_all()
        async with rebuilder.serving.between_batches:
            first = await desk.rebuilds.rebuild_some("notes", ONE, 0)
            assert isinstance(first, PartProgress)
            assert first.replaced is None
            said = await refused(desk, Selection(document="2"))
            assert said == (
                "The documents of events about the document 1 are being made anew. Try again after that."
            )
        assert (await remade(desk, ONE)).report.compared == 1
        assert (await remade(desk, Selection(document="2"))).report.compared == 1
