"""Batches of changes for MongoDB; small ones that arrive at the same moment share a transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymongo.errors import ConfigurationError, ConnectionFailure

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.log.events import RecordedEvent
from app.cqrs.together.callers import Caller, Together

SMALL = 150
"""Changes in the largest batch that shares a transaction.

A larger one, such as that of a rebuild, would delay the others too long.
"""

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
    """Joins small batches in one transaction at a time, at a third of the cost for six read models.

    Batches that arrive during a transaction go together in the next one. Side by side, their threads would
    wait for one another at every trip to the store: only one of them runs Python code at a moment.

    A failure of one read model never affects another one: if the transaction fails, each batch is applied
    again in a transaction of its own.
    """

    def __init__(self, apply: Callable[[Sequence[Batch]], Awaitable[list[Notices]]]) -> None:
        self._apply = apply
        self._waiting: list[Caller[Batch, Notices]] = []
        self._together = Together((ConnectionFailure, ConfigurationError))
        self._busy = False

    async def apply(self, batch: Batch) -> Notices:
        """Apply a batch, alone or with others; return its notices, or raise the error of its transaction."""
        if not batch.is_small:
            [notices] = await self._apply([batch])
            return notices
        caller: Caller[Batch, Notices] = Caller(batch)
        self._waiting.append(caller)
        if not self._busy:
            self._busy = True
            self._start_soon()
        return await caller.answer

    def _start_soon(self) -> None:
        # Projectors that the same events or the same transaction woke add their batches before that.
        asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        waiting = [caller for caller in self._waiting if not caller.answer.done()]  # else it was cancelled
        self._waiting.clear()
        self._busy = bool(waiting)
        if waiting:
            self._together.start(self._answer(waiting))

    async def _answer(self, callers: Sequence[Caller[Batch, Notices]]) -> None:
        try:
            await self._together.answer(callers, self._apply)
        finally:
            self._start_soon()
