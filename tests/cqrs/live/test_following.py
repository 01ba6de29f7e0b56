"""What listeners are sent: every change or the word that some were passed over, and never one twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS
from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import LostHistory, Token
from app.cqrs.live.following import CHUNK, Heartbeat, Lagged, Live, LiveDocument, Reset
from app.cqrs.live.notices import Notices, topic
from app.cqrs.log.head import Head
from app.cqrs.viewers import OPEN, Scope, Sight
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.live.test_notices import changed, positions
from tests.cqrs.notes import NotePraised, NoteTaken, TopicRenamed, documents


def live(reader: MongoReadStore, notices: Notices) -> Live:
    return Live(reader, notices, {"notes": Progress("notes", Head())}, heartbeat=60)


async def test_says_that_changes_were_passed_over_before_those_that_came_after(
    read_store: MongoReadStore,
) -> None:
    notices = Notices(capacity=3)
    async with aclosing(live(read_store, notices).changes(("notes",), None)) as items:
        start = await anext(items)
        assert isinstance(start.item, Heartbeat)
        following = anext(items)
        notices.publish([changed(position, str(position)) for position in range(1, 11)])
        lagged = await following
        assert lagged.item == Lagged(count=7)
        assert lagged.reached == start.reached, "who is cut off here resumes before the gap"
        assert lagged.step is None, "nobody else has this gap"
        rest = [await anext(items) for _ in range(3)]
    assert [told.reached["notes"][0] for told in rest] == [8, 9, 10]
    assert positions(notices.since(lagged.reached)) == list(range(1, 11))


async def test_what_was_lost_is_told_of_right_before_what_came_after(read_store: MongoReadStore) -> None:
    notices = Notices()
    async with aclosing(live(read_store, notices).changes(("notes",), None)) as items:
        start = await anext(items)
        notices.publish([changed(1, "1"), changed(2, "2")])
        notices.begin("notes", 5)
        notices.publish([changed(6, "6")])
        told = [await anext(items) for _ in range(2)]
    assert [each.item for each in told] == [Lagged(count=3), changed(6, "6")]
    assert told[0].reached == start.reached, "who is cut off here resumes before the gap"


async def test_a_reset_of_one_read_model_takes_no_listener_back_in_another_that_has_not_begun_yet(
    read_store: MongoReadStore,
) -> None:
    """As after a start in which a rebuilt read model serves before another one was compared with the log."""
    notices, names = Notices(), ("notes", "topics")
    progress = {name: Progress(name, Head()) for name in names}
    cursor = Token(7, reached={"notes": (9, "documents/9"), "topics": (8, "documents/8")})
    async with aclosing(Live(read_store, notices, progress, heartbeat=60).changes(names, cursor)) as items:
        following = asyncio.ensure_future(anext(items))
        await asyncio.sleep(0)
        progress["notes"].reached(5)
        notices.begin("notes", 5, log_set_back=True)
        told = await following
    assert isinstance(told.item, Reset)
    assert told.reached == {"notes": (5, AFTER_ALL_DOCUMENTS), "topics": (8, "documents/8")}


async def test_a_place_that_is_no_longer_kept_is_a_reset(read_store: MongoReadStore) -> None:
    notices = Notices(kept=2)
    notices.publish([changed(position, str(position)) for position in range(1, 6)])
    async with aclosing(live(read_store, notices).changes(("notes",), Token(1))) as items:
        assert isinstance((await anext(items)).item, Reset)


async def test_who_resumes_comes_in_step_with_those_who_listened_all_along(
    read_store: MongoReadStore,
) -> None:
    notices = Notices()
    one = live(read_store, notices)
    async with aclosing(one.changes(("notes",), None)) as items:
        await anext(items)
        notices.publish([changed(position) for position in range(1, 4)])
        known = [await anext(items) for _ in range(3)]
    async with aclosing(one.changes(("notes",), Token(1))) as items:
        again = [await anext(items) for _ in range(2)]
    assert again == known[1:]
    async with aclosing(one.changes(("notes",), Token(9))) as items:
        notices.publish([changed(position) for position in range(4, 12)])
        ahead = [await anext(items) for _ in range(2)]
    assert [told.reached["notes"][0] for told in ahead] == [10, 11]
    assert all(told.step for told in ahead)


async def test_who_knows_more_than_there_is_yet_is_in_step_with_nobody(read_store: MongoReadStore) -> None:
    notices, progress = Notices(), Progress("notes", Head())
    one = Live(read_store, notices, {"notes": progress}, heartbeat=0.001)
    progress.reached(1)
    notices.publish([changed(1)])
    async with aclosing(one.changes(("notes",), Token(9))) as items:
        assert (await anext(items)).step is None
    async with aclosing(one.changes(("notes",), Token(1))) as items:
        assert (await anext(items)).step is not None


async def test_who_has_reached_different_places_is_not_in_step(read_store: MongoReadStore) -> None:
    """Or one of them would be sent a cursor of the other's, and go back."""
    notices, progress = Notices(), Progress("notes", Head())
    live = Live(read_store, notices, {"notes": progress}, heartbeat=0.001)
    steps = []
    for position in (0, 16):  # a projector begins in between
        notices.begin("notes", position)
        progress.reached(position)
        async with aclosing(live.changes(("notes",), None)) as items:
            steps.append((await anext(items)).step)
    assert steps[0] != steps[1]


@pytest.fixture
def desk(read_store: MongoReadStore) -> Desk:
    return Desk(read_store, MemoryLog())


async def test_many_documents_of_one_event_are_each_sent_once_and_none_counts_as_passed_over(
    desk: Desk, read_store: MongoReadStore
) -> None:
    count = 2 * CHUNK + 30
    desk.log.append(*(NoteTaken(note=f"{number:03}") for number in range(count)))
    async with desk.running():
        await desk.reaches(count)
        followed = live(read_store, desk.notices).documents(
            documents, {}, topic("notes"), None, scope=OPEN.scope
        )
        async with aclosing(followed) as states:
            first = await take(states, count)
            await desk.publish(TopicRenamed(topic="plain", to="fancy"))
            second = await take(states, count)
            await desk.publish(NotePraised(note="000"))
            [third] = await take(states, 1)
    assert [state.document["_id"] for state in first] == [f"{number:03}" for number in range(count)]
    assert [state.document["_id"] for state in second] == [f"{number:03}" for number in range(count)]
    assert {state.document_position[0] for state in second} == {count + 1}
    assert (third.document["praise"], third.document_position[0]) == (1, count + 2)
    assert sum(state.lagged for state in [*first, *second, third]) == 0


async def test_resumes_in_the_middle_of_one_event(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(*(NoteTaken(note=note) for note in "abc"), TopicRenamed(topic="plain", to="fancy"))
    async with desk.running():
        await desk.reaches(4)
        follow = live(read_store, desk.notices).documents
        async with aclosing(follow(documents, {}, topic("notes"), None, scope=OPEN.scope)) as states:
            seen = await anext(states)
        resume = Token(0, {"notes": seen.document_position})
        async with aclosing(follow(documents, {}, topic("notes"), resume, scope=OPEN.scope)) as states:
            rest = await take(states, 2)
    assert [state.document["_id"] for state in (seen, *rest)] == ["a", "b", "c"]


async def test_counts_the_states_that_it_passed_over(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        followed = live(read_store, desk.notices).documents(
            documents, {"_id": "a"}, topic("notes", document="a"), None, scope=OPEN.scope
        )
        async with aclosing(followed) as states:
            await take(states, 1)
            for _ in range(20):
                await desk.publish(NotePraised(note="a"))
            await desk.reaches(21)
            [newest] = await take(states, 1)
            await desk.publish(NotePraised(note="a"))
            [following] = await take(states, 1)
    assert (newest.document["praise"], newest.lagged) == (20, 19)
    assert (following.document["praise"], following.lagged) == (21, 0)


async def test_a_document_appears_once_it_is_the_viewers_and_is_silent_once_it_is_no_longer(
    desk: Desk, read_store: MongoReadStore
) -> None:
    mine, note = Scope(Sight.CUSTOMER, "mine"), topic("notes", document="a")
    reader = Awaited(read_store)
    desk.log.append(NoteTaken(note="a", topic="theirs"))
    async with desk.running():
        await desk.reaches(1)
        one = Live(cast("DocumentReader", reader), desk.notices, {"notes": desk.progress}, heartbeat=60)
        followed = one.documents(documents, {"_id": "a"}, note, None, scope=mine)
        async with aclosing(followed) as states:
            waiting = asyncio.ensure_future(anext(states))
            await reader.has_read()
            for _ in range(3):
                await desk.publish(NotePraised(note="a"))
                await reader.has_read()
            await desk.publish(TopicRenamed(topic="theirs", to="mine"))
            appeared = await waiting
            await desk.publish(NotePraised(note="a"))
            praised = await anext(states)
            waiting = asyncio.ensure_future(anext(states))
            await desk.publish(TopicRenamed(topic="mine", to="theirs"))
            for _ in range(3):
                await desk.publish(NotePraised(note="a"))
            await desk.publish(TopicRenamed(topic="theirs", to="mine"))
            again = await waiting
    assert [(each.document["topic"], each.document["praise"]) for each in (appeared, praised, again)] == [
        ("mine", 3),
        ("mine", 4),
        ("mine", 7),
    ]
    assert [each.lagged for each in (appeared, praised)] == [0, 0], "their changes are not counted"


class Awaited:
    """The real store, whose finds a test waits for."""

    def __init__(self, store: MongoReadStore) -> None:
        self._store = store
        self._reads: asyncio.Queue[None] = asyncio.Queue()

    async def find(self, *what: Any, **how: Any) -> Any:
        found = await self._store.find(*what, **how)
        self._reads.put_nowait(None)
        return found

    async def has_read(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._reads.get()


@pytest.mark.parametrize("scope", [Scope(Sight.ANONYMOUS), Scope(Sight.CUSTOMER, "theirs")], ids=str)
async def test_a_document_that_the_viewer_may_not_see_is_followed_like_one_that_does_not_exist(
    desk: Desk, read_store: MongoReadStore, scope: Scope
) -> None:
    desk.log.append(NoteTaken(note="a", topic="mine"))
    async with desk.running():
        await desk.reaches(1)
        for note in ("a", "nobody"):
            one = Live(read_store, desk.notices, {"notes": desk.progress}, heartbeat=60)
            followed = one.documents(
                documents, {"_id": note}, topic("notes", document=note), None, True, scope=scope
            )
            with pytest.raises(LostHistory, match="which does not have what you follow"):
                await anext(followed)


async def take(states: AsyncIterator[LiveDocument], count: int) -> list[LiveDocument]:
    return [await anext(states) for _ in range(count)]
