"""The events at the newest positions, which prove that a position belongs to the log's current history.

A write store that is restored from a backup, or loses its last commits in a fail-over, assigns the same
positions again, to other events. Code that continues from a position therefore compares the event there.
"""

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.events import EventLog, RecordedEvent

REMEMBERED = 65_536
"""Newest positions that are kept in memory, at 16 bytes each: eight for the position, eight for the event."""

LOOKED_UP = 1_000
"""Older positions whose events are kept in memory after a look-up."""

TAG_BYTES = 6
"""Bytes of an event's id, all random, that distinguish it from another event at the same position."""


class HistoryChanged(Impersonal):
    """The log has another event, or none, at a position that was read before."""


class Positioned(Protocol):
    """An event, or the reference to one in a receipt."""

    @property
    def position(self) -> int:
        """The position in the log."""

    @property
    def event_id(self) -> UUID:
        """The id of the event."""


async def read_on(log: EventLog, last: RecordedEvent | None, limit: int) -> Sequence[RecordedEvent]:
    """Return up to `limit` events after `last`; raise `HistoryChanged` if `last` is no longer in the log."""
    if last is None:
        return await log.read(after=0, limit=limit)
    found = await log.read(after=last.position - 1, limit=limit + 1)
    if not found or found[0].event_id != last.event_id:
        raise HistoryChanged(f"the log no longer has the event {last.event_id} at position {last.position}")
    return found[1:]


async def last_agreed(log: EventLog, points: Sequence[Positioned]) -> RecordedEvent | None:
    """Return the first of `points`, sorted newest first, that is still in the log; `None` if none is.

    Events are never changed or removed: if one is still there, all events before it are, too.
    """
    for point in points:
        found = await log.read(after=point.position - 1, limit=1)
        if found and (found[0].position, found[0].event_id) == (point.position, point.event_id):
            return found[0]
    return None


def tag_of(event_id: UUID) -> int:
    """Return the part of an event's id that tokens carry."""
    return event_id.int & ((1 << 8 * TAG_BYTES) - 1)


class History:
    """The newest events that this process has seen in the log, or has written to it, by position."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._positions = array("q", [0]) * REMEMBERED
        self._tags = array("Q", [0]) * REMEMBERED
        self._looked_up: dict[int, asyncio.Task[int | None]] = {}
        self.newest = 0
        """The highest recorded position; 0 if there is none."""

    def note(self, events: Iterable[Positioned]) -> None:
        """Record these events, which are committed."""
        for event in events:
            slot = event.position % REMEMBERED
            if event.position >= self._positions[slot]:
                self._positions[slot], self._tags[slot] = event.position, tag_of(event.event_id)
                self.newest = max(self.newest, event.position)

    def forget(self) -> None:
        """Drop everything after the log was set back: the same positions may belong to other events now."""
        self._positions = array("q", [0]) * REMEMBERED
        self._looked_up.clear()
        self.newest = 0

    def tag_at(self, position: int) -> int | None:
        """Return the tag of the event at `position`; `None` if this process has not seen it."""
        slot = position % REMEMBERED
        return self._tags[slot] if position and self._positions[slot] == position else None

    async def has(self, position: int, tag: int) -> bool:
        """Return whether the log has the event with `tag` at `position`; raise `WriteStoreUnavailable`."""
        known = self.tag_at(position)
        if known is None:
            known = await self._look_up(position)
        return known == tag

    async def _look_up(self, position: int) -> int | None:
        looking = self._looked_up.get(position)
        if looking is None:
            if len(self._looked_up) >= LOOKED_UP:
                del self._looked_up[next(iter(self._looked_up))]
            looking = self._looked_up[position] = asyncio.create_task(self._tag_in_the_log(position))
            looking.add_done_callback(lambda done: self._settle(position, done))
        return await asyncio.shield(looking)

    async def _tag_in_the_log(self, position: int) -> int | None:
        found = await self._log.read(after=position - 1, limit=1)
        return tag_of(found[0].event_id) if found and found[0].position == position else None

    def _settle(self, position: int, done: "asyncio.Task[int | None]") -> None:
        # A position that the log does not have yet may have an event later.
        failed = done.cancelled() or done.exception() is not None or done.result() is None
        if failed and self._looked_up.get(position) is done:
            del self._looked_up[position]
