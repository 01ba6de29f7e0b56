"""What listeners are sent: every change or the word that some were passed over, and never one twice."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from app.cqrs.freshness.progress import Progress
from app.cqrs.freshness.tokens import Token
from app.cqrs.live.following import CHUNK, Heartbeat, Lagged, Live, LiveDocument, Reset
from app.cqrs.live.notices import Notices, topic
from app.cqrs.log.head import Head
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import Desk, MemoryLog
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
        followed = live(read_store, desk.notices).documents(documents, {}, topic("notes"), None)
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
        async with aclosing(follow(documents, {}, topic("notes"), None)) as states:
            seen = await anext(states)
        resume = Token(0, {"notes": seen.document_position})
        async with aclosing(follow(documents, {}, topic("notes"), resume)) as states:
            rest = await take(states, 2)
    assert [state.document["_id"] for state in (seen, *rest)] == ["a", "b", "c"]


async def test_counts_the_states_that_it_passed_over(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running():
        await desk.reaches(1)
        followed = live(read_store, desk.notices).documents(
            documents, {"_id": "a"}, topic("notes", document="a"), None
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


async def take(states: AsyncIterator[LiveDocument], count: int) -> list[LiveDocument]:
    return [await anext(states) for _ in range(count)]
