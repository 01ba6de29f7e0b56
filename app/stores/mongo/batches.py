"""Batches of changes on their way to MongoDB: those that come at the same moment go together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent

SMALL = 50
"""Changes up to which a batch may keep others waiting."""

SOME = 3
"""Batches from which on it is better to join them: two are sooner done side by side."""

logger = logging.getLogger(__name__)

Notices = list[DocumentChanged]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one read model makes of some events: all of it is to happen, or nothing."""

    model: ReadModel
    changes: Sequence[tuple[RecordedEvent, Change]]
    since: int
    start: int
    """Between the two positions is the checkpoint, which moves to the event `end`."""
    end: RecordedEvent

    @property
    def is_small(self) -> bool:
        """Whether it is soon done; who knows how many documents a filter finds?"""
        return 0 < len(self.changes) <= SMALL and all(change.where is None for _, change in self.changes)


class JoinedBatches:
    """Applies small batches that are brought at the same moment in one transaction: six cost a third.

    Each read model still stands and falls by itself: where that transaction fails, each batch gets its own.
    """

    def __init__(self, apply: Callable[[Sequence[Batch]], Awaitable[list[Notices]]]) -> None:
        self._apply = apply
        self._waiting: list[tuple[Batch, asyncio.Future[Notices]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def apply(self, batch: Batch) -> Notices:
        """Applies it, alone or with others; raises what its own transaction would."""
        if not batch.is_small:
            [notices] = await self._apply([batch])
            return notices
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._go)  # After all who have been woken by the same events.
        applied: asyncio.Future[Notices] = loop.create_future()
        self._waiting.append((batch, applied))
        return await applied

    def _go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for together in [waiting] if len(waiting) >= SOME else [[one] for one in waiting]:
            # A task of its own: nobody's batch ends with another projector that goes away.
            task = asyncio.get_running_loop().create_task(self._apply_for(together))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _apply_for(self, waiting: Sequence[tuple[Batch, "asyncio.Future[Notices]"]]) -> None:
        try:
            results = await self._apply([batch for batch, _ in waiting])
        except Exception as error:
            if len(waiting) > 1 and not isinstance(error, ConnectionFailure | ConfigurationError):
                # Without what it says: that may quote what was to be written, which may be personal.
                said = type(error).__name__
                logger.warning("%d batches are applied one by one, after %s together", len(waiting), said)
                await asyncio.gather(*(self._apply_for([one]) for one in waiting))
                return
            for _, applied in waiting:
                if not applied.done():
                    applied.set_exception(error)
        else:
            for (_, applied), notices in zip(waiting, results, strict=True):
                if not applied.done():
                    applied.set_result(notices)
        finally:
            for _, applied in waiting:
                applied.cancel()  # does nothing to those that have their notices
