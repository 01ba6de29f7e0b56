"""The event bus: committed events on their way from the relay to the projectors."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from app.cqrs.events import RecordedEvent


@dataclass(frozen=True, kw_only=True)
class EventBatch:
    """Consecutive events of the log, and the position that came right before them.

    Batches form a chain: who finds `after` beyond its own position has missed some, and reads the log.
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
        """The next batch, as soon as there is one."""


class EventBus(Protocol):
    """Carries batches to every subscriber; may lose some for a slow one, which the chain shows."""

    async def publish(self, batch: EventBatch) -> None:
        """Hands `batch` to all who are subscribed."""

    def subscribe(self) -> AbstractContextManager[BatchSource]:
        """Batches published from now on."""


class _Queue:
    def __init__(self, capacity: int) -> None:
        self._batches: asyncio.Queue[EventBatch] = asyncio.Queue(capacity)

    async def next(self) -> EventBatch:
        return await self._batches.get()

    def offer(self, batch: EventBatch) -> None:
        if self._batches.full():  # The subscriber finds the gap in the chain and reads the log.
            self._batches.get_nowait()
        self._batches.put_nowait(batch)


class AsyncioEventBus:
    """The bus within one process; memory is bounded by `capacity` batches per subscriber."""

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._subscribers: set[_Queue] = set()

    async def publish(self, batch: EventBatch) -> None:
        """Hands `batch` to every subscriber's queue, without waiting for any."""
        for subscriber in self._subscribers:
            subscriber.offer(batch)

    @contextmanager
    def subscribe(self) -> Iterator[BatchSource]:
        """A queue of its own for the subscriber, gone when it leaves."""
        queue = _Queue(self._capacity)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)
