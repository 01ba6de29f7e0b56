"""A reader of the log that all projectors share: each batch is read once for all of them.

A batch that somebody will need soon is kept for some seconds, in which who is far ahead waits. To read and
decode events takes half as long as read models take to apply them, so that all arrive sooner together.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from app.cqrs.log.events import EventLog, RecordedEvent

CACHED_BATCHES = 20
"""Batches that are kept in memory for projectors that read them later."""

KEPT_ALONE = 2
"""Batches that are kept for a reader who has long been alone: the garbage collector looks at all of them."""

UNUSED_SECONDS = 10.0
"""Seconds without a read after which all batches are dropped: 10,000 events take 30 MB."""

LONGEST_WAIT = 5.0
"""Seconds that who is ahead waits at most for those behind, who may have failed, before each batch."""

Events = Sequence[RecordedEvent]


class _Batch:
    """A batch that is read, or was."""

    def __init__(self, log: EventLog, after: int, limit: int) -> None:
        self.limit = limit
        self.begins_at = after + 1, after
        """The positions at which the one before may end: whoever reads on begins with their last event."""
        self.task: asyncio.Task[Events] = asyncio.create_task(_reading(log, after, limit))
        self.readers = 0

    @property
    def is_full(self) -> bool:
        """True if it was read, and no event can come to it."""
        task = self.task
        return task.done() and not (task.cancelled() or task.exception()) and len(task.result()) == self.limit


class SharedLog:
    """A reader with the results of `log`. Events never change: a full batch is the same for every reader."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[int, int], _Batch] = OrderedDict()
        self._dropped: dict[int, tuple[int, int]] = {}
        """By the position at which a dropped batch ended: its limit, and how many have read it."""
        self._read_once = 0
        """The number of batches, the last that were dropped, that nobody has read a second time."""
        self._was_read = asyncio.Event()
        self._read_at = 0.0
        """The time of the last read, by the event loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    async def head(self) -> int:
        """Return the position of the newest event; 0 in an empty log."""
        return await self._log.head()

    def forget(self) -> None:
        """Drop all batches, because an operator may have changed an event by hand."""
        self._kept.clear()
        self._dropped.clear()

    async def read(self, *, after: int, limit: int) -> Events:
        """Return up to `limit` events with a position greater than `after`, in order."""
        key = after, limit
        self._read_at = asyncio.get_running_loop().time()
        if key not in self._kept:
            await self._make_room(key)
        if batch := self._kept.get(key):
            batch.readers += 1
            self._was_read.set()
            await asyncio.wait([batch.task])
            if batch.is_full:
                return batch.task.result()
        batch = _Batch(self._log, after, limit)
        if limit > 1:
            batch.readers = 1
            self._kept[key] = batch
            self._drop_in(UNUSED_SECONDS)
            batch.task.add_done_callback(lambda _: self._settle(key, batch))
        return await asyncio.shield(batch.task)

    @property
    def _room(self) -> int:
        return KEPT_ALONE if self._read_once >= CACHED_BATCHES else CACHED_BATCHES

    async def _make_room(self, wanted: tuple[int, int]) -> None:
        """Drop the oldest batches, after a wait for those who will need them, unless `wanted` is kept."""
        while len(self._kept) >= self._room and wanted not in self._kept:
            key, oldest = next(iter(self._kept.items()))
            if oldest.readers < self._will_read(oldest):
                with suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_WAIT):
                        await self._until_read_by_all(oldest)
                if self._kept.get(key) is not oldest:
                    continue  # Somebody else has waited for the same, and has dropped it.
            del self._kept[key]
            self._read_once = self._read_once + 1 if oldest.readers == 1 else 0
            for end in oldest.begins_at:
                self._dropped.pop(end, None)
            if oldest.is_full:
                self._dropped[oldest.task.result()[-1].position] = oldest.limit, oldest.readers

    def _will_read(self, batch: _Batch) -> int:
        """Return how many will need a batch: the readers of the dropped one that ended where it begins."""
        for end in batch.begins_at:
            limit, readers = self._dropped.get(end, (0, 0))
            if abs(limit - batch.limit) <= 1:
                return readers
        return 0

    async def _until_read_by_all(self, batch: _Batch) -> None:
        while batch.readers < self._will_read(batch):
            self._was_read.clear()
            await self._was_read.wait()

    def _drop_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._drop_unused)

    def _drop_unused(self) -> None:
        self._timer = None
        if (left := self._read_at + UNUSED_SECONDS - asyncio.get_running_loop().time()) > 0:
            self._drop_in(left)
        else:
            self.forget()

    def _settle(self, key: tuple[int, int], batch: _Batch) -> None:
        # A batch with fewer events than `limit` may be longer at the next read.
        if not batch.is_full and self._kept.get(key) is batch:
            del self._kept[key]


async def _reading(log: EventLog, after: int, limit: int) -> Events:
    return await log.read(after=after, limit=limit)
