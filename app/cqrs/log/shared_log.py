"""A reader of the log that all projectors share: each batch is read once for all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from app.cqrs.log.events import EventLog, RecordedEvent

CACHED_BATCHES = 20
"""Batches that are kept in memory for projectors that read them later."""

UNUSED_SECONDS = 10.0
"""Seconds without a read after which all batches are dropped: 10,000 events take 30 MB."""


class SharedLog:
    """A reader with the results of `log`. Events never change: a full batch is the same for every reader."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[int, int], asyncio.Task[Sequence[RecordedEvent]]] = OrderedDict()
        self._read_at = 0.0
        """The time of the last read, by the event loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    async def head(self) -> int:
        """Return the position of the newest event; 0 in an empty log."""
        return await self._log.head()

    def forget(self) -> None:
        """Drop all batches, because an operator may have changed an event by hand."""
        self._kept.clear()

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Return up to `limit` events with a position greater than `after`, in order."""
        key = after, limit
        self._read_at = asyncio.get_running_loop().time()
        if kept := self._kept.get(key):
            await asyncio.wait([kept])
            if _is_full(kept, limit):
                return kept.result()
        reading = asyncio.create_task(_reading(self._log, after, limit))
        if limit > 1:
            self._kept[key] = reading
            self._drop_in(UNUSED_SECONDS)
            reading.add_done_callback(lambda _: self._settle(key, reading))
        if len(self._kept) > CACHED_BATCHES:
            self._kept.popitem(last=False)
        return await asyncio.shield(reading)

    def _drop_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._drop_unused)

    def _drop_unused(self) -> None:
        self._timer = None
        if (left := self._read_at + UNUSED_SECONDS - asyncio.get_running_loop().time()) > 0:
            self._drop_in(left)
        else:
            self._kept.clear()

    def _settle(self, key: tuple[int, int], reading: "asyncio.Task[Sequence[RecordedEvent]]") -> None:
        # A batch with fewer events than `limit` may be longer at the next read.
        if not _is_full(reading, key[1]) and self._kept.get(key) is reading:
            del self._kept[key]


async def _reading(log: EventLog, after: int, limit: int) -> Sequence[RecordedEvent]:
    return await log.read(after=after, limit=limit)


def _is_full(reading: "asyncio.Task[Sequence[RecordedEvent]]", limit: int) -> bool:
    return not reading.cancelled() and not reading.exception() and len(reading.result()) == limit
