"""A list shows the documents of one moment, even if they change before that is announced."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, cast

import pytest

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.documents.store import DocumentReader
from app.cqrs.freshness.progress import Progress
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.lists.following import LiveLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.messages import Event
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.noting import NotingReader
from app.cqrs.reading.pages import Listing
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.viewers import OPEN
from app.stores.mongo.store import MongoReadStore
from tests.cqrs.announcing.wire import settled
from tests.cqrs.notes import NoteDropped, NotePraised, NoteTaken, TopicDropped, TopicRenamed, notes, recorded
from tests.cqrs.notes import documents as collection

PLAIN = Listing(collection, {"topic": "plain"}, ["praise"])
BOTH = ("a", "b")


class Apart:
    """A process that answers queries, and hears of a transaction when the test says so."""

    def __init__(self, store: MongoReadStore) -> None:
        self._store = store
        self.progress = Progress(notes.name, Head())
        cache, concerned = ReadCache(0), ConcernedLists()
        self._announcer = Announcer(
            notes.key, progress=self.progress, notices=Notices(), cache=cache, lists=concerned
        )
        self.has_read = asyncio.Event()
        progress = {notes.name: self.progress}
        reader = NotingReader(cast("DocumentReader", self), progress, cache, self._stored)
        self.lists = LiveLists(reader, progress, concerned, patience=20)
        self._events: list[RecordedEvent] = []

    async def begin(self, *events: Event) -> None:
        await self._store.prepare(notes)
        for event in events:
            await self.hear(await self.commit(event))
        self.progress.live()

    async def commit(self, event: Event) -> RecordedEvent:
        """Change the documents, of which this process does not hear yet."""
        at = len(self._events)
        applied = recorded(at + 1, event)
        self._events.append(applied)
        changes = [(applied, change) for change in notes.changes(applied)]
        await self._store.apply(notes, changes, since=at, start=at, end=applied)
        return applied

    async def hear(self, *events: RecordedEvent) -> None:
        for event in events:
            self.hear_of(event)
            await self._announcer.changed(event.position, [])

    def hear_of(self, event: RecordedEvent) -> None:
        """Hear that documents may show an event, and not yet that they do."""
        changes: Sequence[ChangeWithIds] = [
            (change, BOTH if change.id is None else (change.id,)) for change in notes.changes(event)
        ]
        self._announcer.changing(changes, event.position)

    async def find(self, *what: Any, **how: Any) -> Any:
        return await self._store.find(*what, **how)

    async def get(self, *what: Any, **how: Any) -> Any:
        found = await self._store.get(*what, **how)
        if found:  # else the checkpoint is read
            self.has_read.set()
        return found

    async def _stored(self, _read_model: str) -> int:
        position = (await self._store.checkpoint(notes)).position
        self.has_read.set()
        return position


@pytest.fixture
async def apart(read_store: MongoReadStore) -> Apart:
    apart = Apart(read_store)
    await apart.begin(NoteTaken(note="a"), NoteTaken(note="b"))
    return apart


@pytest.mark.parametrize("together", [TopicRenamed(topic="plain", to="other"), TopicDropped(topic="plain")])
async def test_a_list_never_shows_a_part_of_a_change_that_is_announced_late(
    apart: Apart, together: Event
) -> None:
    async with aclosing(apart.lists.follow(PLAIN, None, scope=OPEN.scope, after=None)) as items:
        first = await anext(items)
        assert [each["_id"] for each in first.state.page.documents] == ["a", "b"]
        praised, changed = await apart.commit(NotePraised(note="a")), await apart.commit(together)
        following = asyncio.ensure_future(anext(items))
        await apart.hear(praised)
        async with asyncio.timeout(20):
            await apart.has_read.wait()
        await settled()
        await apart.hear(changed)
        assert (await following).state.page.documents == [], "without one of both, it was never"


async def test_a_list_goes_on_if_a_change_that_it_has_seen_is_never_announced(
    apart: Apart,
) -> None:
    async with aclosing(apart.lists.follow(PLAIN, None, scope=OPEN.scope, after=None)) as items:
        await anext(items)
        praised, _ = await apart.commit(NotePraised(note="a")), await apart.commit(NoteDropped(note="a"))
        await apart.hear(praised)
        shown = (await anext(items)).state.page.documents
        assert [each["_id"] for each in shown] == ["b"]


async def test_who_comes_while_a_change_is_visible_is_not_shown_the_state_before(apart: Apart) -> None:
    async with aclosing(apart.lists.follow(PLAIN, None, scope=OPEN.scope, after=None)) as items:
        assert [each["praise"] for each in (await anext(items)).state.page.documents] == [0, 0]
        praised = await apart.commit(NotePraised(note="b"))
        apart.hear_of(praised)
        async with aclosing(apart.lists.follow(PLAIN, None, scope=OPEN.scope, after=None)) as those_who_come:
            coming = asyncio.ensure_future(anext(those_who_come))
            await settled()
            assert not coming.done()
            await apart.hear(praised)
            shown = (await coming).state.page.documents
            assert [(each["_id"], each["praise"]) for each in shown] == [("a", 0), ("b", 1)]
