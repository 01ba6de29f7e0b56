"""Batches of changes for MongoDB; small ones that arrive at the same moment share a transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure

from app.cqrs.callers import Caller, Together
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent

SMALL = 50
"""Changes in the largest batch that shares a transaction: a larger one would delay the others too long."""

SOME = 3
"""Batches that are worth joining: one or two are applied sooner in transactions of their own."""

Notices = list[DocumentChanged]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The changes that one read model derives from some events, to be applied all or not at all."""

    model: ReadModel
    changes: Sequence[tuple[RecordedEvent, Change]]
    since: int
    start: int
    """The checkpoint must be from `since` to `start`, both inclusive; it moves to the event `end`."""
    end: RecordedEvent

    @property
    def is_small(self) -> bool:
        """True if the batch is sure to be quick: a change with a filter may match many documents."""
        return 0 < len(self.changes) <= SMALL and all(change.where is None for _, change in self.changes)


class JoinedBatches:
    """Joins small batches that arrive at the same moment in one transaction, at a third of the cost for six.

    A failure of one read model never affects another one: if the transaction fails, each batch is applied
    again in a transaction of its own.
    """

    def __init__(self, apply: Callable[[Sequence[Batch]], Awaitable[list[Notices]]]) -> None:
        self._apply = apply
        self._waiting: list[Caller[Batch, Notices]] = []
        self._together = Together((ConnectionFailure, ConfigurationError))

    async def apply(self, batch: Batch) -> Notices:
        """Apply a batch, alone or with others; return its notices, or raise the error of its transaction."""
        if not batch.is_small:
            [notices] = await self._apply([batch])
            return notices
        if not self._waiting:
            # Projectors that the same events woke add their batches before that.
            asyncio.get_running_loop().call_soon(self._start)
        caller: Caller[Batch, Notices] = Caller(batch)
        self._waiting.append(caller)
        return await caller.answer

    def _start(self) -> None:
        waiting, self._waiting = self._waiting, []
        for joined in [waiting] if len(waiting) >= SOME else [[one] for one in waiting]:
            self._together.start(self._together.answer(joined, self._apply))
