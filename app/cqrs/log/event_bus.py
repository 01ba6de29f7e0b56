"""The event bus, which carries committed events from the relay to the projectors."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from app.cqrs.log.events import RecordedEvent

MAX_JOINED_EVENTS = 500
"""Events from which a batch is not joined with the next one."""

MAX_QUEUED_EVENTS = 5_000
"""Maximum events in one subscriber's queue, about 15 MB; a projector reads dropped events from the log."""


@dataclass(frozen=True, kw_only=True)
class EventBatch:
    """Consecutive events of the log, and the position that came right before them.

    Batches form a chain: a projector that finds `after` beyond its own position has missed events, and
    reads these from the log.
    """

    after: int
    events: Sequence[RecordedEvent]

    @property
    def last(self) -> int:
        """The position of the newest event in the batch."""
        return self.events[-1].position


class BatchSource(Protocol):
    """One subscriber's end of the bus."""

    async def next(self) -> EventBatch:
        """Return the events that have arrived since the last call, as one batch; wait if there are none.

        Cancelling the wait loses no events.
        """


class EventBus(Protocol):
    """A bus that carries batches to every subscriber; a slow one may lose some, which shows in the chain."""

    async def publish(self, batch: EventBatch) -> None:
        """Send `batch` to all subscribers."""

    def subscribe(self) -> AbstractContextManager[BatchSource]:
        """Return a source of the batches that are published from now on."""


class _Queue:
    def __init__(self, capacity: int) -> None:
        self._batches: deque[EventBatch] = deque()
        self._capacity = capacity
        self._events = 0
        self._arrived = asyncio.Event()

    async def next(self) -> EventBatch:
        await self._arrived.wait()
        first = self._take()
        events = list(first.events)
        # A slow subscriber receives larger batches, which lets it catch up.
        while (
            self._batches
            and self._batches[0].after == events[-1].position
            and len(events) < MAX_JOINED_EVENTS
        ):
            events += self._take().events
        if not self._batches:
            self._arrived.clear()
        return EventBatch(after=first.after, events=events)

    def offer(self, batch: EventBatch) -> None:
        """Append a batch; a full queue drops its oldest ones."""
        self._batches.append(batch)
        self._events += len(batch.events)
        while len(self._batches) > self._capacity or (
            self._events > MAX_QUEUED_EVENTS and len(self._batches) > 1
        ):
            self._take()
        self._arrived.set()

    def _take(self) -> EventBatch:
        batch = self._batches.popleft()
        self._events -= len(batch.events)
        return batch


class AsyncioEventBus:
    """The bus within one process; a queue has at most `capacity` batches and `MAX_QUEUED_EVENTS` events."""

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._subscribers: set[_Queue] = set()

    async def publish(self, batch: EventBatch) -> None:
        """Append `batch` to every subscriber's queue, without waiting."""
        for subscriber in self._subscribers:
            subscriber.offer(batch)

    @contextmanager
    def subscribe(self) -> Iterator[BatchSource]:
        """Open a queue for one subscriber; it is removed when the block ends."""
        queue = _Queue(self._capacity)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)
