"""Programs that differ keep documents of their own: none is short of what only one of them knows."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase

from app.cqrs.documents.audiences import EVERYBODY, NOBODY, STAFF, Audience, owner_at
from app.cqrs.documents.read_model import Change, Document, ReadModel
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.log.events import EventTypes, RecordedEvent, UnknownEvent
from app.cqrs.messages import Event
from app.cqrs.projecting.generations import InUse, prune, succeed
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken, recorded


def read_model(*, knows_praise: bool = True, indexes: list[tuple[str, ...]] | None = None) -> ReadModel:
    """`notes` as an older or a newer program has it."""
    model = ReadModel("notes")
    documents = model.collection(seen_by=EVERYBODY, indexes=indexes or [])

    @model.on(NoteTaken)
    def taken(event: NoteTaken, _at: RecordedEvent) -> Iterator[Change]:
        yield documents.put(event.note, {"praise": 0})

    if knows_praise:

        @model.on(NotePraised)
        def praised(event: NotePraised, _at: RecordedEvent) -> Iterator[Change]:
            yield documents.update(event.note, {"$inc": {"praise": event.by}})

    return model


def test_documents_are_not_built_again_where_others_may_see_them() -> None:
    def model(audience: Audience) -> ReadModel:
        made = ReadModel("seen")
        documents = made.collection(seen_by=audience)

        @made.on(NoteTaken)
        def taken(event: NoteTaken, _at: RecordedEvent) -> Iterator[Change]:
            yield documents.put(event.note, {"topic": event.topic})

        return made

    assert len({model(each).generation for each in (NOBODY, EVERYBODY, STAFF, owner_at("topic"))}) == 1


def trail(*known: type[Event]) -> ReadModel:
    """A read model of every event, as a program has it that knows these."""
    model, types = ReadModel("trail"), EventTypes()
    entries = model.collection(seen_by=EVERYBODY)

    @model.on_any
    def happened(event: Event, at: RecordedEvent) -> Iterator[Change]:
        yield entries.put(at.event_id, {"event": type(event).__name__})

    types.add(*known)
    model.learn(types)
    return model


def as_an_older_program_reads(log: MemoryLog) -> MemoryLog:
    """The same log, to whom it is unknown what praise is."""
    older = MemoryLog()
    older.events = [
        recorded(each.position, UnknownEvent(data="{}")) if isinstance(each.event, NotePraised) else each
        for each in log.events
    ]
    return older


async def praise_in(store: MongoReadStore, model: ReadModel) -> list[int]:
    return [note["praise"] for note in await store.find(model.collections[0], {}, sort=[("_id", 1)])]


async def test_an_older_process_that_goes_ahead_leaves_nothing_out_of_the_newer_ones_documents(
    read_store: MongoReadStore, another_store: MongoReadStore
) -> None:
    older, newer, log = read_model(knows_praise=False), read_model(), MemoryLog()
    log.append(NoteTaken(note="a"), NotePraised(note="a"))
    ahead = Desk(another_store, as_an_older_program_reads(log), model=older)
    async with ahead.running():
        await ahead.reaches(2)
        behind = Desk(read_store, log, model=newer)
        async with behind.running():
            await behind.reaches(2)
            await behind.becomes(ReadModelState.LIVE)
            assert await praise_in(read_store, newer) == [1]
            assert await praise_in(read_store, older) == [0]
    assert (await read_store.checkpoint(newer)).position == 2


async def test_rolled_back_and_forward_again_no_document_is_short(read_store: MongoReadStore) -> None:
    older, newer, log = read_model(knows_praise=False), read_model(), MemoryLog()
    for number in range(3):
        log.append(NoteTaken(note=str(number)), NotePraised(note=str(number)))
        for model, read in ((newer, log), (older, as_an_older_program_reads(log))):
            desk = Desk(read_store, read, model=model)
            async with desk.running():
                await desk.reaches(2 * number + 2)
    assert await praise_in(read_store, newer) == [1, 1, 1]


async def test_who_learns_of_a_type_makes_its_entries_anew(read_store: MongoReadStore) -> None:
    older, newer, log = trail(NoteTaken), trail(NoteTaken, NotePraised), MemoryLog()
    log.append(NoteTaken(note="a"), NotePraised(note="a"))
    for model, read in ((older, as_an_older_program_reads(log)), (newer, log)):
        desk = Desk(read_store, read, model=model)
        async with desk.running():
            await desk.reaches(2)
    shown = [
        [entry["event"] for entry in await read_store.find(model.collections[0], {}, sort=[("_id", 1)])]
        for model in (older, newer)
    ]
    assert shown == [["NoteTaken", "UnknownEvent"], ["NoteTaken", "NotePraised"]]


async def test_other_functions_indexes_or_types_are_another_generation() -> None:
    generations = {
        read_model().generation,
        read_model(knows_praise=False).generation,
        read_model(indexes=[("praise", "_id")]).generation,
        ReadModel("notes", version=2).generation,
        trail(NoteTaken).generation,
        trail(NoteTaken, NotePraised).generation,
    }
    assert len(generations) == 6
    assert read_model().key == read_model().key
    assert read_model().types == {"NoteTaken": 1, "NotePraised": 1}
    assert trail(NoteTaken).types == {"NoteTaken": 1}


async def test_the_order_in_which_functions_are_written_is_no_difference() -> None:
    one, other = ReadModel("notes"), ReadModel("notes")
    for model, event_types in ((one, (NoteTaken, NotePraised)), (other, (NotePraised, NoteTaken))):
        for event_type in event_types:
            model.on(event_type)(_nothing if event_type is NoteTaken else _also_nothing)
    assert one.generation == other.generation
    crossed = ReadModel("notes")
    crossed.on(NoteTaken)(_also_nothing)
    crossed.on(NotePraised)(_nothing)
    assert crossed.generation != one.generation


def _nothing(_event: Event, _at: RecordedEvent) -> Iterator[Change]:
    yield from ()


def _also_nothing(_event: Event, _at: RecordedEvent) -> Iterator[Change]:
    yield from []


async def test_a_new_version_of_an_event_is_another_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_model().generation
    monkeypatch.setattr(NotePraised, "schema_version", 2)
    assert read_model().generation != before


async def test_an_older_generation_is_told_and_dropped_once_the_new_one_is_live(
    read_store: MongoReadStore, mongo: AsyncIOMotorDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    older, newer, log = read_model(knows_praise=False), read_model(), MemoryLog()
    log.append(NoteTaken(note="a"))
    await mongo["checkpoints"].insert_one({"_id": "notes_v1", "position": 1})
    await mongo["notes_v1"].insert_one({"_id": "a"})
    before = Desk(read_store, log, model=older)
    async with before.running():
        await before.reaches(1)
    after = Desk(read_store, log, model=newer)
    succeeding = asyncio.create_task(succeed(newer, after.progress, read_store, alone=True))
    async with after.running():
        await succeeding
        assert after.progress.state is ReadModelState.LIVE
    assert [each.key for each in await read_store.generations(newer)] == [newer.key]
    names = await mongo.list_collection_names()
    assert newer.key in names
    assert not {older.key, "notes_v1"} & {*names}
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == (
        "There are documents of older programs. They are dropped once the new ones are built from the log: "
        f"read_model=notes generation={newer.key} older={older.key},notes_v1 position=1 "
        "difference=other versions of NotePraised"
    )


async def test_where_others_may_serve_them_older_generations_stay(
    read_store: MongoReadStore, caplog: pytest.LogCaptureFixture
) -> None:
    older, newer, log = read_model(knows_praise=False), read_model(), MemoryLog()
    for model in (older, newer):
        desk = Desk(read_store, log, model=model)
        log.append(NoteTaken(note="a"))
        async with desk.running():
            await desk.reaches(len(log.events))
    await succeed(newer, desk.progress, read_store, alone=False)
    assert {each.key for each in await read_store.generations(newer)} == {older.key, newer.key}
    assert "Once no older process runs, `projections prune` drops them: " in caplog.text
    assert f" older={older.key} " in caplog.text


async def test_an_operator_drops_older_generations_once_there_is_a_new_one(
    read_store: MongoReadStore,
) -> None:
    older, newer, log = read_model(knows_praise=False), read_model(), MemoryLog()
    log.append(NoteTaken(note="a"))
    for model in (older, newer):
        assert await prune([newer], read_store) == ([], ["notes"] if model is newer else [])
        desk = Desk(read_store, log, model=model)
        async with desk.running():
            await desk.reaches(1)
    dropped, kept = await prune([newer], read_store)
    assert ([each.key for each in dropped], kept) == ([older.key], [])
    assert await praise_in(read_store, newer) == [0]
    assert await praise_in(read_store, older) == []
    assert await prune([newer], read_store) == ([], [])


async def test_documents_that_are_ahead_of_those_of_this_program_are_not_dropped(
    read_store: MongoReadStore,
) -> None:
    other, own, log = read_model(knows_praise=False), read_model(), MemoryLog()
    for model, count in ((own, 1), (other, 2)):  # as with a program that once ran for a while
        log.append(NoteTaken(note=f"note {count}"))
        desk = Desk(read_store, log, model=model)
        async with desk.running():
            await desk.reaches(count)
    assert await prune([own], read_store) == ([], ["notes"])
    assert await praise_in(read_store, other) == [0, 0]
    desk = Desk(read_store, log, model=own)
    async with desk.running():
        await desk.reaches(2)
    dropped, _ = await prune([own], read_store)
    assert [each.key for each in dropped] == [other.key]


async def test_documents_that_a_running_process_projects_are_not_dropped(read_store: MongoReadStore) -> None:
    other, own, log = read_model(knows_praise=False), read_model(), MemoryLog()
    log.append(NoteTaken(note="a"))
    for model in (other, own):
        desk = Desk(read_store, log, model=model)
        async with desk.running():
            await desk.reaches(1)
    assert await read_store.leases.take([other.key], "another process", 60) == {other.key}
    with pytest.raises(InUse) as refused:
        await prune([own], read_store)
    assert str(refused.value).startswith(
        f"A running process projects {other.key}, which would be dropped. Nothing was dropped.\nStop the "
    )
    assert await praise_in(read_store, other) == [0]
    await read_store.leases.give_back("another process")
    assert await read_store.leases.take([own.key], "a process of this program", 60) == {own.key}
    dropped, _ = await prune([own], read_store)
    assert [each.key for each in dropped] == [other.key]
