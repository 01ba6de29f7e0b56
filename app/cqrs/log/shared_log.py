"""The log as all projectors share it: they follow close behind one another, and each part is read once."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from app.cqrs.log.events import EventLog, RecordedEvent

KEPT = 20
"""Batches that are kept for the projectors that come after."""


class SharedLog:
    """Reads as `log` does. Events never change, hence a full batch is the same for every reader."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[int, int], asyncio.Task[Sequence[RecordedEvent]]] = OrderedDict()

    async def head(self) -> int:
        """Return the position of the newest event; 0 in an empty log."""
        return await self._log.head()

    def forget(self) -> None:
        """Read everything anew from now on: somebody may have changed an event by hand."""
        self._kept.clear()

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Return up to `limit` events with a position greater than `after`, in order."""
        key = after, limit
        if kept := self._kept.get(key):
            await asyncio.wait([kept])
            if _is_full(kept, limit):
                return kept.result()
        reading = asyncio.create_task(_reading(self._log, after, limit))
        if limit > 1:
            self._kept[key] = reading
            reading.add_done_callback(lambda _: self._settle(key, reading))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return await asyncio.shield(reading)

    def _settle(self, key: tuple[int, int], reading: "asyncio.Task[Sequence[RecordedEvent]]") -> None:
        # A batch that came short may be longer the next time.
        if not _is_full(reading, key[1]) and self._kept.get(key) is reading:
            del self._kept[key]


async def _reading(log: EventLog, after: int, limit: int) -> Sequence[RecordedEvent]:
    return await log.read(after=after, limit=limit)


def _is_full(reading: "asyncio.Task[Sequence[RecordedEvent]]", limit: int) -> bool:
    return not reading.cancelled() and not reading.exception() and len(reading.result()) == limit
