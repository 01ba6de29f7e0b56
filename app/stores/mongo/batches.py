"""Joins batches of changes on their way to MongoDB: those that come at the same moment go together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure

from app.cqrs.callers import Caller, Together
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent

SMALL = 50
"""Changes up to which a batch may keep others waiting."""

SOME = 3
"""Batches from which on it is better to join them: two are sooner done side by side."""

Notices = list[DocumentChanged]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The changes that one read model makes of some events, all of which are made, or none."""

    model: ReadModel
    changes: Sequence[tuple[RecordedEvent, Change]]
    since: int
    start: int
    """Between the two positions is the checkpoint, which moves to the event `end`."""
    end: RecordedEvent

    @property
    def is_small(self) -> bool:
        """Whether it is soon done. A change by filter is not: it may find any number of documents."""
        return 0 < len(self.changes) <= SMALL and all(change.where is None for _, change in self.changes)


class JoinedBatches:
    """Applies small batches that come at the same moment in one transaction: six of them cost a third.

    Where that transaction fails, each batch gets its own: no read model fails for another's batch.
    """

    def __init__(self, apply: Callable[[Sequence[Batch]], Awaitable[list[Notices]]]) -> None:
        self._apply = apply
        self._waiting: list[Caller[Batch, Notices]] = []
        self._together = Together((ConnectionFailure, ConfigurationError))

    async def apply(self, batch: Batch) -> Notices:
        """Apply it, alone or with others, and return its notices; raise what its own transaction would."""
        if not batch.is_small:
            [notices] = await self._apply([batch])
            return notices
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._go)  # After all projectors that the same events woke.
        caller: Caller[Batch, Notices] = Caller(batch)
        self._waiting.append(caller)
        return await caller.answer

    def _go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for together in [waiting] if len(waiting) >= SOME else [[one] for one in waiting]:
            self._together.start(self._together.answer(together, self._apply))
