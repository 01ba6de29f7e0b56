"""Logs that somebody has set back: on top of them nothing is LIVE, and listeners are told to begin anew."""

import asyncio
from contextlib import aclosing

import pytest

from app.cqrs.freshness.progress import ReadModelBehind, ReadModelState
from app.cqrs.freshness.tokens import LostHistory
from app.cqrs.lists.following import LiveLists
from app.cqrs.lists.states import ListItem
from app.cqrs.live.following import Live, LiveDocument, Reset
from app.cqrs.live.notices import topic
from app.cqrs.log.event_bus import EventBatch
from app.cqrs.log.history import History
from app.cqrs.log.relay import Relay
from app.cqrs.reading.pages import Listing
from app.cqrs.reading.shared_reader import SharedReader
from app.cqrs.viewers import OPEN
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteRead, NoteTaken, documents, notes


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cqrs.projecting.checkpointing.COMPARED_EVERY", 0.02)
    monkeypatch.setattr("app.cqrs.projecting.applying.FIRST_PAUSE", 0.01)


@pytest.fixture
def desk(read_store: MongoReadStore) -> Desk:
    return Desk(read_store, MemoryLog())


async def praise(store: MongoReadStore) -> dict[str, int]:
    return {note["_id"]: note["praise"] for note in await store.find(documents, {})}


async def test_a_log_that_is_set_back_under_a_running_projector_leaves_nothing_live(
    desk: Desk, read_store: MongoReadStore
) -> None:
    history = History(desk.log)
    relay = Relay(
        desk.log, desk.bus, desk.progress.head, history=history, set_back=desk.projector.doubt, backstop=0.01
    )
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"), NotePraised(note="a"))
    async with desk.running():
        running = asyncio.create_task(relay.run(3, desk.log.events[-1]))
        try:
            await desk.reaches(3)
            desk.log.set_back(2, *(NotePraised(note="a", by=10) for _ in range(4)))
            await desk.becomes(ReadModelState.FAILED)
            assert desk.progress.head.position == 6
            assert "other events than those of the log" in str(desk.progress.reason)
            with pytest.raises(ReadModelBehind):
                await desk.reaches(1)
            await desk.publish(NotePraised(note="a", by=100))
            assert await praise(read_store) == {"a": 2}, "nothing is mixed"
            await read_store.clear(notes)
            await desk.projector.retry(PATIENCE)
            await desk.reaches(7)
            assert await praise(read_store) == {"a": 141}
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_a_log_that_was_set_back_while_it_is_read_is_not_followed(
    desk: Desk, read_store: MongoReadStore
) -> None:
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
        desk.log.set_back(1, NoteRead(), NotePraised(note="a", by=10))
        await desk.bus.publish(EventBatch(after=3, events=desk.log.append(NoteRead()).events))  # a gap
        await desk.becomes(ReadModelState.FAILED)
    assert await praise(read_store) == {"a": 1}


async def test_a_checkpoint_knows_how_far_back_a_log_was_set(desk: Desk, read_store: MongoReadStore) -> None:
    async with desk.running():
        for start in range(0, 500, 50):
            await desk.publish(*(NoteTaken(note=str(start + number)) for number in range(50)))
            await desk.reaches(start + 50)
    later = Desk(read_store, desk.log)
    desk.log.set_back(250, *(NoteRead() for _ in range(300)))
    async with later.running():
        with pytest.raises(ReadModelBehind, match=r"up to position 500 \(they agree up to 200\)"):
            await later.reaches(1)


async def test_what_comes_after_a_lost_future_is_shown_to_those_who_follow_a_document(
    desk: Desk, read_store: MongoReadStore
) -> None:
    live = Live(read_store, desk.notices, {"notes": desk.progress}, heartbeat=60)
    desk.log.append(NoteTaken(note="a"), *(NotePraised(note="a") for _ in range(5)))
    async with desk.running():
        await desk.reaches(6)
        follower = live.documents(
            documents, {"_id": "a"}, topic("notes", document="a"), None, scope=OPEN.scope
        )
        first = await anext(follower)
        assert (first.document["praise"], first.reset) == (5, False)
        waiting = asyncio.ensure_future(anext(follower))
        desk.log.set_back(1, NotePraised(note="a", by=10))
        await lose_documents_and_go_on(desk, read_store)
        again: LiveDocument = await asyncio.wait_for(waiting, PATIENCE)
        assert (again.document["praise"], again.document["position"], again.reset) == (10, 2, True)
        await follower.aclose()


async def test_who_follows_what_the_log_has_lost_is_told(desk: Desk, read_store: MongoReadStore) -> None:
    live = Live(read_store, desk.notices, {"notes": desk.progress}, heartbeat=60)
    desk.log.append(NoteRead(), NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(2)
        follower = live.documents(
            documents, {"_id": "a"}, topic("notes", document="a"), None, scope=OPEN.scope
        )
        await anext(follower)
        waiting = asyncio.ensure_future(anext(follower))
        desk.log.set_back(1, NoteRead())
        await lose_documents_and_go_on(desk, read_store)
        with pytest.raises(LostHistory):
            await asyncio.wait_for(waiting, PATIENCE)


async def test_who_follows_a_list_is_sent_all_of_it_anew_even_if_it_looks_the_same(
    desk: Desk, read_store: MongoReadStore
) -> None:
    lists = LiveLists(SharedReader(read_store), {"notes": desk.progress}, desk.lists, patience=PATIENCE)
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
        listing = Listing(documents, {"topic": "plain"}, ["praise"])
        async with aclosing(lists.follow(listing, None, scope=OPEN.scope, after=None)) as items:
            first = await anext(items)
            assert (first.changes, first.reset) == (None, False)
            waiting = asyncio.ensure_future(anext(items))
            desk.log.set_back(1, NotePraised(note="a", by=10))
            await lose_documents_and_go_on(desk, read_store)
            again: ListItem = await asyncio.wait_for(waiting, PATIENCE)
    assert first.state.rows == again.state.rows, "it was changed at the same position"
    assert (again.changes, again.reset, again.state.page.documents[0]["praise"]) == (None, True, 10)


async def test_who_follows_all_changes_is_told_to_begin_anew(desk: Desk, read_store: MongoReadStore) -> None:
    live = Live(read_store, desk.notices, {"notes": desk.progress}, heartbeat=60)
    desk.log.append(NoteRead(), NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(2)
        changes = live.changes(("notes",), None)
        await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        desk.log.set_back(1, NoteTaken(note="b"))
        await lose_documents_and_go_on(desk, read_store)
        assert isinstance((await asyncio.wait_for(waiting, PATIENCE)).item, Reset)
        await changes.aclose()


async def test_who_follows_is_told_to_begin_anew_also_where_the_database_was_dropped_with_the_lost_log(
    desk: Desk, read_store: MongoReadStore
) -> None:
    live = Live(read_store, desk.notices, {"notes": desk.progress}, heartbeat=60)
    desk.log.append(NoteRead(), NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(2)
        changes = live.changes(("notes",), None)
        await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        desk.log.set_back(1, NoteTaken(note="b"))
        await read_store._database.client.drop_database(read_store._database.name)
        desk.projector.doubt()
        assert isinstance((await asyncio.wait_for(waiting, PATIENCE)).item, Reset)
        await changes.aclose()


async def test_a_read_model_goes_on_by_itself_once_the_log_is_put_right(desk: Desk) -> None:
    """As when a restore takes several transactions: in between the log is empty."""
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
        whole = list(desk.log.events)
        desk.log.events.clear()
        desk.projector.doubt()
        await desk.becomes(ReadModelState.FAILED)
        desk.log.events += whole
        await desk.becomes(ReadModelState.LIVE)
        await desk.reaches(2)


async def test_a_read_model_goes_on_by_itself_once_the_documents_of_another_log_are_dropped(
    desk: Desk, read_store: MongoReadStore
) -> None:
    desk.log.append(NoteTaken(note="a"), NotePraised(note="a"))
    async with desk.running():
        await desk.reaches(2)
        desk.log.set_back(1, NotePraised(note="a", by=10))
        desk.projector.doubt()
        await desk.becomes(ReadModelState.FAILED)
        await read_store._database.client.drop_database(read_store._database.name)
        await desk.becomes(ReadModelState.LIVE)
        assert await praise(read_store) == {"a": 10}


async def lose_documents_and_go_on(desk: Desk, read_store: MongoReadStore) -> None:
    desk.projector.doubt()
    await desk.becomes(ReadModelState.FAILED)
    await read_store.clear(notes)
    await desk.projector.retry(PATIENCE)
    await desk.becomes(ReadModelState.LIVE)
