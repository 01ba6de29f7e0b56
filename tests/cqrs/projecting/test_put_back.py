"""Documents that somebody has put back: on top of them nothing is LIVE, and no token satisfied."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from app.cqrs.documents.store import DocumentsLost
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.reads.clients import Driver
from app.stores.mongo.store import MongoReadStore, open_read_store
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken, documents, notes


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cqrs.projecting.checkpointing.COMPARED_EVERY", 0.02)
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0.01)


@pytest.fixture
def desk(read_store: MongoReadStore) -> Desk:
    return Desk(read_store, MemoryLog())


async def praise(store: MongoReadStore) -> dict[str, int]:
    return {note["_id"]: note["praise"] for note in await store.find(documents, {})}


async def test_documents_that_are_dropped_while_nothing_happens_are_made_anew(
    desk: Desk, read_store: MongoReadStore
) -> None:
    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NotePraised(note="a"))
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        await read_store.clear(notes)
        await desk.becomes(ReadModelState.CATCHING_UP)
        await desk.becomes(ReadModelState.LIVE)
    assert await praise(read_store) == {"a": 1}


async def test_no_token_is_satisfied_from_the_moment_that_documents_are_known_to_be_lost(
    desk: Desk, read_store: MongoReadStore
) -> None:
    satisfied = dict[ReadModelState, bool]()

    def note(progress: Progress) -> None:
        satisfied[progress.state] = satisfied.get(progress.state, False) or progress.holds(2)

    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NotePraised(note="a"))
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        for lose in (read_store._database[documents.stored_as].drop, partial(read_store.clear, notes)):
            desk.progress.watch(note)
            await lose()
            await desk.becomes(ReadModelState.CATCHING_UP)
            assert not satisfied.pop(ReadModelState.CATCHING_UP)
            await desk.becomes(ReadModelState.LIVE)
            satisfied.clear()


async def test_a_collection_that_is_dropped_alone_is_made_anew_with_all_its_documents(
    desk: Desk, read_store: MongoReadStore
) -> None:
    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NoteTaken(note="b"))
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        await read_store._database[documents.stored_as].drop()
        await desk.becomes(ReadModelState.CATCHING_UP)
        await desk.becomes(ReadModelState.LIVE)
        assert await praise(read_store) == {"a": 0, "b": 0}
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(3)
    assert await praise(read_store) == {"a": 1, "b": 0}


async def test_a_collection_that_was_dropped_while_nobody_ran_is_made_anew(
    desk: Desk, read_store: MongoReadStore, another_store: MongoReadStore
) -> None:
    async with desk.running():
        await desk.publish(NoteTaken(note="a"))
        await desk.reaches(1)
    await read_store._database[documents.stored_as].drop()
    later = Desk(another_store, desk.log)
    async with later.running():
        await later.becomes(ReadModelState.LIVE)
        assert await praise(read_store) == {"a": 0}


async def test_documents_without_a_checkpoint_are_of_nobody_knows_when_and_made_anew(
    desk: Desk, read_store: MongoReadStore
) -> None:
    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NotePraised(note="a"))
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        await read_store._database[documents.stored_as].insert_one({"_id": "of another log", "praise": 9})
        await read_store._database["checkpoints"].drop()
        await desk.becomes(ReadModelState.CATCHING_UP)
        await desk.becomes(ReadModelState.LIVE)
        assert await praise(read_store) == {"a": 1}


async def test_documents_that_another_process_has_made_anew_are_not_lost(
    desk: Desk, read_store: MongoReadStore, another_store: MongoReadStore
) -> None:
    await another_store.prepare(notes)
    async with desk.running():
        await desk.publish(NoteTaken(note="a"), NotePraised(note="a"))
        await desk.reaches(2)
        await desk.becomes(ReadModelState.LIVE)
        await read_store._database[documents.stored_as].drop()
        with pytest.raises(DocumentsLost, match=documents.stored_as):
            await another_store.checkpoint(notes)
        await desk.becomes(ReadModelState.CATCHING_UP)
        await desk.becomes(ReadModelState.LIVE)
        assert (await another_store.checkpoint(notes)).position == 2


async def test_who_finds_documents_lost_has_others_look_for_theirs(read_store: MongoReadStore) -> None:
    lost = asyncio.Event()
    desk = Desk(read_store, MemoryLog(), lost=lost.set)
    async with desk.running():
        await desk.publish(NoteTaken(note="a"))
        await desk.reaches(1)
        await desk.becomes(ReadModelState.LIVE)
        assert not lost.is_set()
        await read_store._database.client.drop_database(read_store._database.name)
        async with asyncio.timeout(PATIENCE):
            await lost.wait()


@pytest.mark.campaign
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_after_mongod_was_away_no_token_is_satisfied_until_the_documents_were_compared(
    tmp_path: Path, driver: Driver
) -> None:
    doubted = asyncio.Event()
    async with embedded_mongod(tmp_path) as mongod:
        desks: list[Desk] = []

        def doubt() -> None:
            desks[0].projector.doubt()
            doubted.set()

        async with open_read_store(mongod.url, "test", driver, lost=doubt) as store:
            desks.append(desk := Desk(store, MemoryLog()))
            async with desk.running():
                await desk.publish(NoteTaken(note="a"), NotePraised(note="a"))
                await desk.reaches(2)
                await desk.becomes(ReadModelState.LIVE)
                mongod.process.kill()
                await mongod.process.wait()
                await doubted.wait()
                assert desk.progress.state is ReadModelState.CATCHING_UP
                with pytest.raises(ReadModelBehind, match="comparing its documents"):
                    await desk.progress.wait_for(2, 0)
                async with embedded_mongod(tmp_path) as again:
                    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(again.url)
                    async with client:
                        await client.drop_database("test")
                        await desk.reaches(2)
                        await desk.becomes(ReadModelState.LIVE)
                    assert await praise(store) == {"a": 1}
