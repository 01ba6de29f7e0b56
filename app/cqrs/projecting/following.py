"""Delivery of events to a projector: from the log while it is behind, and from the bus when it is live."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.log.event_bus import BatchSource
from app.cqrs.log.events import EventLog
from app.cqrs.log.history import read_on
from app.cqrs.projecting.applying import Applier
from app.cqrs.projecting.checkpointing import CheckpointedDocuments
from app.cqrs.projecting.interrupts import Interrupts

BATCH = 500
"""Maximum events that are applied in one transaction, unless others are served meanwhile."""

T = TypeVar("T")


class LogFollower:
    """Passes every event to the applier, once and in order, from the log or from the bus."""

    def __init__(
        self,
        *,
        log: EventLog,
        documents: CheckpointedDocuments,
        applier: Applier,
        announcer: Announcer,
        interrupts: Interrupts,
        batch: int | None = None,
    ) -> None:
        """Apply at most `batch` events in one transaction, `BATCH` by default."""
        self._log = log
        self._documents = documents
        self._applier = applier
        self._announcer = announcer
        self._interrupts = interrupts
        self._batch = self._largest = batch or BATCH

    async def follow(self, batches: BatchSource) -> None:
        """Catch up, then apply the bus's events until an error is raised, such as `Doubted` or `Poison`."""
        await self._catch_up_and_be_live()
        while True:
            batch = await self._interrupts.next_batch(batches, until=self._documents.due)
            position = self._announcer.progress.position
            if batch is None:
                await self._documents.run_due_tasks()
            elif batch.after > position:  # The bus has dropped events, which are in the log.
                self._announcer.progress.catching_up()
                await self._catch_up_and_be_live()
            elif batch.last > position:
                await self._applier.apply([event for event in batch.events if event.position > position])

    async def catch_up(self) -> None:
        """Apply all events in the log after the checkpoint, and index the documents.

        Later ones come from the bus: otherwise, under a load without a pause, every projector would
        go on reading the log by itself.
        """
        events = await read_on(self._log, self._documents.last, self._batch)
        while len(events) == self._batch:  # Most likely there is another batch, which is read meanwhile.
            larger = min(self._largest, self._batch * 2)
            async with _meanwhile(read_on(self._log, events[-1], larger)) as reading:
                await self._applier.apply(events)
                events = await reading
            self._batch = larger
        async with self._applier.turn:  # Who waits for the last events finds indexes, too.
            await self._documents.index()
        if events:
            await self._applier.apply(events)

    def take_smaller_batches(self) -> None:
        """Halve the batch size, for large batches may have made the store fail; full ones double it again."""
        self._batch = max(1, self._batch // 2)

    async def _catch_up_and_be_live(self) -> None:
        await self.catch_up()
        if not self._interrupts.doubted:
            self._announcer.progress.live()


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, T]) -> AsyncIterator["asyncio.Task[T]"]:
    """Run `work` concurrently with the block; cancel it when the block ends."""
    task = asyncio.create_task(work)
    # Cancelled work may have failed before; asyncio would log its exception as never retrieved.
    task.add_done_callback(lambda _: task.cancelled() or task.exception())
    try:
        yield task
    finally:
        task.cancel()
