"""Followers of lists: who sees what, what is shared, and what happens if the store does not answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import pytest

from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.tokens import Token
from app.cqrs.lists.following import LiveLists
from app.cqrs.lists.states import ListItem
from app.cqrs.reading.pages import BadPage, Listing
from app.cqrs.unavailable import ReadStoreUnavailable
from app.cqrs.viewers import OPEN, Scope, Sight
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.desk import PATIENCE, Desk, MemoryLog
from tests.cqrs.notes import NotePraised, NoteRead, NoteTaken, TopicRenamed, documents

PLAIN = Listing(documents, {"topic": "plain"}, ["praise"])
Items = AsyncGenerator[ListItem, None]


class Reader:
    """The real store, which counts its reads, holds them up, or fails."""

    def __init__(self, store: MongoReadStore) -> None:
        self._store = store
        self.finds = self.gets = 0
        self.fails = False
        self.open = asyncio.Event()
        self.open.set()
        self.found = asyncio.Event()

    async def find(self, *what: Any, **how: Any) -> Any:
        self.finds += 1
        return await self._answered(self._store.find(*what, **how))

    async def get(self, *what: Any, **how: Any) -> Any:
        self.gets += 1
        return await self._answered(self._store.get(*what, **how))

    async def _answered(self, answer: Awaitable[Any]) -> Any:
        found = await answer
        if self.fails:
            raise ReadStoreUnavailable("The read store does not answer.")
        self.found.set()
        await self.open.wait()
        return found


@pytest.fixture
def desk(read_store: MongoReadStore) -> Desk:
    return Desk(read_store, MemoryLog())


@pytest.fixture
def reader(read_store: MongoReadStore) -> Reader:
    return Reader(read_store)


@pytest.fixture
def lists(desk: Desk, reader: Reader) -> LiveLists:
    progress = {"notes": desk.progress}
    return LiveLists(cast("DocumentReader", reader), progress, desk.lists, patience=PATIENCE)


async def following(
    opened: AsyncExitStack,
    lists: LiveLists,
    listing: Listing = PLAIN,
    *,
    first: int | None = None,
    after: ListItem | None = None,
    scope: Scope = OPEN.scope,
) -> Items:
    token = Token(after.state.position, {"notes": after.state.document_position}) if after else None
    return await opened.enter_async_context(aclosing(lists.follow(listing, first, scope=scope, after=token)))


def shown(item: ListItem) -> list[str]:
    return [document["_id"] for document in item.state.page.documents]


async def test_viewers_follow_what_they_may_see_and_nothing_of_others(desk: Desk, lists: LiveLists) -> None:
    desk.log.append(NoteTaken(note="a", topic="mine"), NoteTaken(note="b", topic="theirs"))
    listing = Listing(documents, {}, ["praise"])
    scopes = [
        Scope(Sight.CUSTOMER, "mine"),
        Scope(Sight.CUSTOMER, "theirs"),
        Scope(Sight.ANONYMOUS),
        OPEN.scope,
    ]
    async with desk.running(), AsyncExitStack() as opened:
        await desk.reaches(2)
        mine, theirs, nobodys, whole = [
            await following(opened, lists, listing, scope=scope) for scope in scopes
        ]
        pages = [shown(await anext(each)) for each in (mine, theirs, nobodys, whole)]
        assert pages == [["a"], ["b"], [], ["a", "b"]]
        await desk.publish(TopicRenamed(topic="theirs", to="mine"))
        assert shown(await anext(mine)) == ["a", "b"]
        assert shown(await anext(theirs)) == []


async def test_one_read_serves_all_followers_and_none_is_made_for_what_does_not_concern_them(
    desk: Desk, lists: LiveLists, reader: Reader
) -> None:
    desk.log.append(NoteTaken(note="a"), NoteTaken(note="b", topic="other"))
    async with desk.running(), AsyncExitStack() as opened:
        await desk.reaches(2)
        one, other = await following(opened, lists), await following(opened, lists)
        first = await asyncio.gather(anext(one), anext(other))
        assert first[0].state is first[1].state
        assert reader.finds == 1
        await desk.publish(NoteRead(), NoteTaken(note="c", topic="other"))
        await desk.publish(NotePraised(note="a"))
        second = await asyncio.gather(anext(one), anext(other))
        assert second[0].state is second[1].state
        assert second[0].step == second[1].step != first[0].step
        assert (reader.finds, reader.gets) == (1, 1)


async def test_a_change_during_a_read_is_never_missed(desk: Desk, lists: LiveLists, reader: Reader) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running(), AsyncExitStack() as opened:
        await desk.reaches(1)
        items = await following(opened, lists)
        reader.open.clear()
        waiting = asyncio.ensure_future(anext(items))
        await asyncio.wait_for(reader.found.wait(), PATIENCE)
        await desk.publish(NotePraised(note="a"))
        await desk.reaches(2)
        reader.open.set()
        praise = [(await waiting).state.page.documents[0]["praise"]]
        while praise[-1] != 1:
            praise.append((await anext(items)).state.page.documents[0]["praise"])
        assert praise in ([0, 1], [1])


async def test_who_was_away_resumes_with_the_changes_or_with_nothing(desk: Desk, lists: LiveLists) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running(), AsyncExitStack() as opened:
        await desk.reaches(1)
        staying = await following(opened, lists)
        known = await anext(staying)
        same = await following(opened, lists, after=known)
        waiting = asyncio.ensure_future(anext(same))
        for number in range(2, 5):
            await desk.publish(NotePraised(note="a"))
            await desk.reaches(number)
            await anext(staying)
        late = await anext(await following(opened, lists, after=known))
        assert [change.kind.value for change in late.changes or ()] == ["CHANGED"]
        assert late.lagged == 2
        assert (await waiting).changes


async def test_a_cursor_of_another_list_brings_the_whole_list(desk: Desk, lists: LiveLists) -> None:
    async with desk.running(), AsyncExitStack() as opened:
        await desk.publish(NoteRead())
        await desk.reaches(1)
        empty = await anext(await following(opened, lists))
        other = Listing(documents, {"topic": "other"}, ["praise"])
        again = await anext(await following(opened, lists, other, after=empty))
        assert (shown(again), again.changes) == ([], None)


async def test_followers_are_told_that_the_store_does_not_answer_and_follow_anew(
    desk: Desk, lists: LiveLists, reader: Reader
) -> None:
    desk.log.append(NoteTaken(note="a"))
    async with desk.running(), AsyncExitStack() as opened:
        await desk.reaches(1)
        one, other = await following(opened, lists), await following(opened, lists)
        known: ListItem = (await asyncio.gather(anext(one), anext(other)))[0]
        reader.fails = True
        await desk.publish(NotePraised(note="a"))
        for each in (one, other):
            with pytest.raises(ReadStoreUnavailable):
                await anext(each)
        reader.fails = False
        again = await anext(await following(opened, lists, after=known))
        assert again.state.page.documents[0]["praise"] == 1
    assert lists._lists == {}


async def test_a_list_that_nobody_follows_is_forgotten(desk: Desk, lists: LiveLists, reader: Reader) -> None:
    async with desk.running():
        async with AsyncExitStack() as opened:
            await anext(await following(opened, lists))
            assert desk.lists.follow("notes")
        assert not desk.lists.follow("notes")
        await desk.publish(NoteTaken(note="a"))
        await desk.reaches(1)
    assert reader.finds == 1


@pytest.mark.parametrize("first", [-1, 101])
async def test_a_page_that_can_not_be_followed_is_refused(lists: LiveLists, first: int) -> None:
    async with AsyncExitStack() as opened:
        items = await following(opened, lists, first=first)
        with pytest.raises(BadPage, match="0 to 100"):
            await anext(items)
