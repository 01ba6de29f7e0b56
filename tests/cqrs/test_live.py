"""What listeners are sent: every change or the word that some were passed over, and never one twice."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from app.cqrs.live import CHUNK, Heartbeat, Lagged, Live, LiveDocument, Reset
from app.cqrs.notices import Notices, topic
from app.cqrs.progress import Head, Progress
from app.cqrs.tokens import Token
from app.stores.mongo import MongoReadStore
from tests.cqrs.desk import Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteTaken, TopicRenamed, documents
from tests.cqrs.test_notices import changed


def live(reader: MongoReadStore, notices: Notices) -> Live:
    return Live(reader, notices, {"notes": Progress("notes", Head())}, heartbeat=60)


async def test_says_that_changes_were_passed_over_before_those_that_came_after(
    read_store: MongoReadStore,
) -> None:
    notices = Notices(capacity=3)
    async with aclosing(live(read_store, notices).changes(("notes",), None)) as items:
        start, before = await anext(items)
        assert isinstance(start, Heartbeat)
        following = anext(items)
        notices.publish([changed(position, str(position)) for position in range(1, 11)])
        lagged, reached = await following
        assert lagged == Lagged(count=7)
        assert reached == before, "who is cut off here resumes before the gap"
        rest = [await anext(items) for _ in range(3)]
    assert [place["notes"][0] for _, place in rest] == [8, 9, 10]
    places = {"notes": reached["notes"]}
    assert [notice.position for notice in notices.since(places) or []] == list(range(1, 11))


async def test_a_place_that_is_no_longer_kept_is_a_reset(read_store: MongoReadStore) -> None:
    notices = Notices(kept=2)
    notices.publish([changed(position, str(position)) for position in range(1, 6)])
    async with aclosing(live(read_store, notices).changes(("notes",), Token(1))) as items:
        assert isinstance((await anext(items))[0], Reset)


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
    assert {state.place[0] for state in second} == {count + 1}
    assert (third.document["praise"], third.place[0]) == (1, count + 2)
    assert sum(state.lagged for state in [*first, *second, third]) == 0


async def test_resumes_in_the_middle_of_one_event(desk: Desk, read_store: MongoReadStore) -> None:
    desk.log.append(*(NoteTaken(note=note) for note in "abc"), TopicRenamed(topic="plain", to="fancy"))
    async with desk.running():
        await desk.reaches(4)
        follow = live(read_store, desk.notices).documents
        async with aclosing(follow(documents, {}, topic("notes"), None)) as states:
            seen = await anext(states)
        resume = Token(0, {"notes": seen.place})
        async with aclosing(follow(documents, {}, topic("notes"), resume)) as states:
            rest = await take(states, 2)
    assert [state.document["_id"] for state in (seen, *rest)] == ["a", "b", "c"]


async def take(states: AsyncIterator[LiveDocument], count: int) -> list[LiveDocument]:
    return [await anext(states) for _ in range(count)]
