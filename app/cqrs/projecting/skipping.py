"""Events that a read model leaves out, because an operator has decided so after it had failed at them.

A decision is an event in the log, after the event that it concerns. A projector that starts anew comes to
that event first, so it reads all decisions before it applies anything.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Event

LONGEST_REASON = 500
"""Characters of the longest reason."""

logger = logging.getLogger(__name__)


class EventSkipped(Event):
    """An operator had a read model skip an event at which it had failed."""

    read_model: str
    position: int
    event_id: UUID
    event_type: str
    reason: str | None
    """`None` if the key with which it was sealed is gone."""
    personal_fields = ("reason",)
    person_field = "event_id"  # the reason may name anybody


class NotStoppedThere(CommandError):
    """The read model has not failed at that event, and only such an event can be skipped."""

    code = "NOT_STOPPED_THERE"


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A decision of an operator: a read model does not apply an event."""

    event: EventSkipped
    by: str
    """The actor who decided it."""
    at: datetime


class SkipStore(Protocol):
    """The store that keeps decisions; its methods raise `WriteStoreUnavailable`."""

    async def skips(self) -> Sequence[Skip]:
        """Return all decisions, in their order."""

    async def skip(self, event: EventSkipped, *, by: str) -> None:
        """Record a decision; do nothing if it was recorded before."""


class NoSkips:
    """The store of a program without decisions."""

    async def skips(self) -> Sequence[Skip]:
        """Return no decisions."""
        return ()

    async def skip(self, event: EventSkipped, *, by: str) -> None:
        """Raise `TypeError`: nothing can be recorded."""
        raise TypeError(f"{by} can't have {event.event_type} skipped: no store keeps that decision")


@dataclass
class SkippedEvents:
    """The events that one projector leaves out, as it has read them when it started."""

    read_model: str
    store: SkipStore = field(default_factory=NoSkips)
    _ids: frozenset[UUID] = frozenset()

    async def read(self) -> int:
        """Read all decisions about the read model, and return their number; raise `WriteStoreUnavailable`."""
        found = [each.event for each in await self.store.skips()]
        self._ids = frozenset(each.event_id for each in found if each.read_model == self.read_model)
        return len(self._ids)

    def has(self, event: RecordedEvent) -> bool:
        """Return whether the projector leaves this event out."""
        return event.event_id in self._ids

    def without(self, events: Sequence[RecordedEvent]) -> Iterable[RecordedEvent]:
        """Return the events that are to be applied."""
        for event in events:
            if isinstance(event.event, EventSkipped):
                self._compare(event.event)
        if not self._ids:
            return events
        return [event for event in events if not self._is_left_out(event)]

    def _is_left_out(self, event: RecordedEvent) -> bool:
        if self.has(event):
            logger.warning(
                "An event is skipped, as an operator has decided: "
                "read_model=%s position=%d type=%s event_id=%s",
                self.read_model,
                event.position,
                event.type,
                event.event_id,
            )
            return True
        return False

    def _compare(self, decision: EventSkipped) -> None:
        """Log a decision about an event that this projector has applied without knowing of it.

        This happens if another version of the program failed at the event, and this one did not.
        """
        if decision.read_model == self.read_model and decision.event_id not in self._ids:
            logger.error(
                "The documents have an event that was skipped afterwards, and a rebuild has not: "
                "read_model=%s position=%d event_id=%s",
                decision.read_model,
                decision.position,
                decision.event_id,
            )
