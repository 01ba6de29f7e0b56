"""A carrier of announcements within a test, which can lose them, and both of its ends."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.announcing.heard_model import HeardModel
from app.cqrs.announcing.hearing import Hearer
from app.cqrs.announcing.recent_events import RecentEvents
from app.cqrs.announcing.telling import Teller
from app.cqrs.announcing.transport import MOST_KEPT
from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS
from app.cqrs.freshness.progress import Progress
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.sources import Source
from tests.cqrs.notes import NoteTaken, documents, notes, recorded

TAKEN = [recorded(position, NoteTaken(note=f"n{position}")) for position in range(1, 10)]


class Wire:
    """Announcements that arrive at once, unless they are lost."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.loses = False
        self.connected = True
        self._hearers: list[Callable[[bytes], None]] = []

    def tell(self, message: bytes, *, kept: bool) -> None:
        """Deliver a message, or lose it."""
        if self.loses:
            return
        if kept:
            self.kept.append(message)
        for heard in self._hearers:
            heard(message)

    @contextmanager
    def hear(self, heard: Callable[[bytes], None]) -> Iterator[None]:
        """Hear everything from now on."""
        self._hearers.append(heard)
        try:
            yield
        finally:
            self._hearers.remove(heard)

    async def recent(self, most: int = MOST_KEPT) -> Sequence[bytes]:
        """Return what was kept."""
        return self.kept[-most:]


class Telling:
    """The end of a process that projects: its projector's announcer."""

    def __init__(self, wire: Wire, model: ReadModel = notes) -> None:
        self.teller = Teller(wire)
        self.begin(model)

    def begin(self, model: ReadModel = notes) -> None:
        """Project with a new projector, as a process does that has got a lease, maybe once more."""
        self.progress = Progress(model.name, Head())
        self.announcer = Announcer(
            model.key,
            progress=self.progress,
            notices=None,
            cache=ReadCache(0),
            lists=ConcernedLists(),
            telling=self.teller.of(self.progress),
        )

    async def apply(self, *events: RecordedEvent) -> None:
        """Announce events as a projector does that applies them in one transaction."""
        self.change(*events)
        await self.changed(*events)

    def change(self, *events: RecordedEvent) -> None:
        """Announce the beginning of a transaction."""
        changes = [(change, (change.id or "",)) for event in events for change in notes.changes(event)]
        self.announcer.changing(changes, events[-1].position)

    async def changed(self, *events: RecordedEvent) -> None:
        """Announce the end of a transaction."""
        notices = [
            DocumentChanged(
                read_model=notes.name,
                collection=documents.name,
                document_id=change.id or "",
                position=event.position,
                event_type=event.type,
                fields=change.fields,
                about=None,
            )
            for event in events
            for change in notes.changes(event)
        ]
        await self.announcer.changed(events[-1].position, notices)


class Node:
    """A node that shows a change as soon as it is made, until it is to lag."""

    def __init__(self) -> None:
        self.lags = False
        self.is_level_at_once = True
        """False to have nobody know what the store has."""
        self._caught_up = asyncio.Event()

    async def shows(self, _documents: str, _position: int) -> bool:
        """Wait until it does not lag; return false if it is left before."""
        return await self._shows()

    async def is_level(self, _documents: str) -> bool:
        """Wait until it does not lag; return false if it is left before."""
        return self.is_level_at_once and await self._shows()

    async def _shows(self) -> bool:
        if self.lags:
            self._caught_up.clear()
            await self._caught_up.wait()
        return not self.lags

    def catch_up(self) -> None:
        """Show everything from now on."""
        self.lags = False
        self.is_level_at_once = True
        """False to have nobody know what the store has."""
        self._caught_up.set()

    def leave(self) -> None:
        """Return false to all who wait."""
        self._caught_up.set()


class Hearing:
    """The end of a process that answers queries."""

    def __init__(self, wire: Wire, served: ReadModel = notes) -> None:
        self.node = Node()
        self.progress = Progress(notes.name, Head())
        self.notices, self.lists = Notices(), ConcernedLists()
        self.cache, self.events = ReadCache(100_000), RecentEvents()
        self.stored: dict[str, int] = {}
        """The positions in the document store, by generation."""
        self.served = served
        announcer = Announcer(
            served.key, progress=self.progress, notices=self.notices, cache=self.cache, lists=self.lists
        )
        model = HeardModel(
            served,
            announcer,
            own=notes.generation,
            notices=self.notices,
            events=self.events,
            serve=self._serve,
            node=self.node,
        )
        self.hearer = Hearer([model], transport=wire, positions=self._positions, cache=self.cache)

    @asynccontextmanager
    async def running(self):  # type: ignore[no-untyped-def]
        """Hear announcements until the block ends."""
        task = asyncio.create_task(self.hearer.run())
        await settled()
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    def keep(self, id: str, since: int | None = None) -> None:
        """Keep an answer that shows a document."""
        since = self.cache.mark() if since is None else since
        self.cache.put(
            id, 1, size=1, read_models=[notes.name], sources=[Source(documents, (id,))], since=since
        )

    def keeps(self, id: str) -> bool:
        """Return whether the answer that shows a document is still used."""
        return self.cache.get(id) is not None

    def _serve(self, model: ReadModel) -> None:
        self.served = model

    async def _positions(self, generations: Sequence[Generation]) -> Mapping[str, int]:
        return {each.key: self.stored.get(each.key, 0) for each in generations}


async def settled() -> None:
    """Let everything happen that waits for nothing but its turn."""
    for _ in range(10):
        await asyncio.sleep(0)


def missed(hearing: Hearing, after: int) -> list[int] | None:
    """Return the positions of the notices after one, as a subscriber who resumes gets them."""
    found = hearing.notices.since({notes.name: (after, AFTER_ALL_DOCUMENTS)})
    return None if found is None else [each.notice.position for each in found]
