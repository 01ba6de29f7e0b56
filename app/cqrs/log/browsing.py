"""The log as operators search it: from the newest event backwards, a limited part at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.cqrs.log.events import RecordedEvent

SEARCHED = 20_000
"""Positions that one search looks at, so that a search for what is rare does not hold up other readers."""


@dataclass(frozen=True, kw_only=True)
class WantedEvents:
    """The conditions on events, all of which must be met."""

    types: Collection[str] | None = None
    """Names of types, current or stored; `None` for all types."""
    stream: str | None = None
    actor: str | None = None
    command_id: UUID | None = None
    correlation_id: UUID | None = None
    at_from: datetime | None = None
    """The earliest time of recording, inclusive."""
    at_to: datetime | None = None
    """The latest time of recording, exclusive."""


@dataclass(frozen=True, kw_only=True)
class FoundEvents:
    """The events that a search has found, newest first, and how far it came."""

    events: Sequence[RecordedEvent]
    searched_to: int
    """The position at which the search ended, inclusive: all events from where it began were looked at."""
    has_more: bool
    """True if there are events beyond it that were not looked at."""


class EventArchive(Protocol):
    """The log, searched by anything in an event's envelope."""

    async def browse(self, wanted: WantedEvents, *, before: int | None, limit: int) -> FoundEvents:
        """Return up to `limit` stored events, newest first, with positions lower than `before`.

        Look at the newest `SEARCHED` events of these only, or of a stream's; the next search goes on before
        `searched_to`. An event that was split counts as one. Raise `WriteStoreUnavailable`.
        """

    async def browse_back(self, wanted: WantedEvents, *, after: int, limit: int) -> FoundEvents:
        """Return up to `limit` stored events that come next after the position `after`, newest first.

        Look at as many events as `browse`, but at the oldest ones first. Raise `WriteStoreUnavailable`.
        """
