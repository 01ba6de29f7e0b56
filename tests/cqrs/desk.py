"""A projector with all it needs: a log in memory, and the real document store, which may fail at times."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged, DocumentWriter
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus, EventBatch
from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.messages import Event
from app.cqrs.projecting.projector import Projector
from app.cqrs.unavailable import ReadStoreUnavailable
from tests.cqrs.notes import notes, recorded

PATIENCE = 10.0
"""Seconds; far more than anything here takes."""


class MemoryLog:
    """An event log in memory, which notes how it was read."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self.reads: list[tuple[int, int]] = []

    def append(self, *events: Event) -> EventBatch:
        """Records `events`; returns the batch that a relay would publish."""
        after = len(self.events)
        self.events += [recorded(position, event) for position, event in enumerate(events, after + 1)]
        return EventBatch(after=after, events=self.events[after:])

    def set_back(self, position: int, *instead: Event) -> EventBatch:
        """Loses what came after `position`, and records `instead`, as after a restore."""
        del self.events[position:]
        batch = self.append(*instead)
        self.events[position:] = [replace(event, event_id=uuid4()) for event in batch.events]
        return EventBatch(after=position, events=self.events[position:])

    async def head(self) -> int:
        return len(self.events)

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        self.reads.append((after, limit))
        return self.events[after : after + limit]


class FlakyStore:
    """The real store, which does not answer while `fails` says so of what it is asked to apply."""

    def __init__(self, store: DocumentWriter, fails: Callable[[Sequence[object]], bool]) -> None:
        self._store = store
        self._fails = fails
        self.prepare, self.index = store.prepare, store.index
        self.clear = store.clear
        self.checkpoint = store.checkpoint
        self.find = store.find

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        if self._fails(changes):
            raise ReadStoreUnavailable("The read store does not answer.")
        return await self._store.apply(model, changes, since=since, start=start, end=end)


class ForgetfulStore(FlakyStore):
    """The real store, whose first answer gets lost on its way."""

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        notices = await self._store.apply(model, changes, since=since, start=start, end=end)
        if self._fails(changes):
            raise ReadStoreUnavailable("The read store does not answer.")
        return notices


class Desk:
    """A projector with all it needs."""

    def __init__(
        self,
        store: DocumentWriter,
        log: MemoryLog,
        *,
        read_through: EventLog | None = None,
        model: ReadModel = notes,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.log = log
        self.bus = AsyncioEventBus(capacity=2)
        self.notices = Notices()
        self.progress = Progress(model.name, Head())
        self.lists = ConcernedLists()
        self.projector = Projector(
            model,
            log=read_through or log,
            bus=self.bus,
            store=store,
            progress=self.progress,
            notices=self.notices,
            lists=self.lists,
            lost=lost,
        )

    async def publish(self, *events: Event) -> None:
        await self.bus.publish(self.log.append(*events))

    async def reaches(self, position: int) -> None:
        await self.progress.wait_for(position, PATIENCE)

    async def becomes(self, state: ReadModelState) -> None:
        """Returns when the read model is in that state."""
        moved = asyncio.Event()
        self.progress.watch(lambda _progress: moved.set())
        async with asyncio.timeout(PATIENCE):
            while self.progress.state is not state:
                moved.clear()
                await moved.wait()

    async def fails(self) -> None:
        """Returns when the read model has failed; raises `AssertionError` where it does not."""
        try:
            await self.reaches(len(self.log.events))
        except ReadModelBehind as behind:
            assert "it failed" in str(behind)  # noqa: PT017 - what is right is the failure
        else:
            raise AssertionError("The read model has not failed.")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(self.projector.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
