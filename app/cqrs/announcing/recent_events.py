"""The newest events that this process has seen, from which it makes the changes that others announce."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from app.cqrs.documents.read_model import Change, Collection, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.recent_changes import ChangeWithIds

REMEMBERED = 2_000
"""Newest events in memory, about 6 MB."""

PATIENCE = 0.05
"""Seconds to wait for an event that was announced: it is on its way, and may be decoded at this moment."""

MOST = 200
"""Events of one transaction from which its changes count as changes of any document."""


class RecentEvents:
    """The newest events by position."""

    def __init__(self) -> None:
        self._events: dict[int, RecordedEvent] = {}
        self._newest = 0
        self._noted = asyncio.Event()

    def note(self, events: Sequence[RecordedEvent]) -> None:
        """Remember these events, which are the newest of the log."""
        for event in events:
            self._events[event.position] = event
            self._newest = event.position
        self._noted.set()
        while len(self._events) > REMEMBERED:
            del self._events[next(iter(self._events))]

    def forget(self) -> None:
        """Forget all events, because the log was set back."""
        self._events.clear()
        self._newest = 0

    async def arrive(self, position: int) -> None:
        """Wait until the event at `position` is known, or until it is late."""
        if self._newest >= position:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._newest < position:
                    self._noted.clear()
                    await self._noted.wait()

    def between(self, since: int, position: int) -> Sequence[RecordedEvent] | None:
        """Return the events after `since` up to `position`; `None` if some are unknown, or there are many."""
        if not 0 < position - since <= MOST:
            return None
        found = [self._events.get(each) for each in range(since + 1, position + 1)]
        return None if None in found else [each for each in found if each]


def changes_of(
    model: ReadModel, events: Sequence[RecordedEvent] | None, affected: Sequence[Sequence[str] | None]
) -> Sequence[ChangeWithIds]:
    """Return the changes that `events` make to documents of `model`, as its projector has made them.

    `affected` has the ids that the projector has found for each change by a filter. If the events are not
    known, or can't be read here, these are changes of any document.
    """
    try:
        parts = [part for event in events or () for part in event.parts]
        changes = [change for part in parts for change in model.changes(part)]
    except Exception:  # The projector has read it, and may be of a newer version, or skip the event.
        events, changes = None, []
    if events is None:
        return [(any_document(collection), None) for collection in model.collections]
    filters = [change for change in changes if change.id is None]
    # The projector may skip events, which are made again here: then it is not known which ids belong where.
    found = iter(affected if len(affected) == len(filters) else [None] * len(filters))
    return [(change, next(found) if change.id is None else (change.id,)) for change in changes]


def any_document(collection: Collection) -> Change:
    """Return a change that concerns all that depends on any document of a collection."""
    return collection.delete_where({})
