"""Recorded events: the envelope, the registry of types, and the log that keeps them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from app.cqrs.impersonal import Impersonal
from app.cqrs.messages import Event, decode


class UnknownEvent(Event):
    """An event of a type that this program does not know (a newer one wrote it): it stops nobody."""

    data: str


class UnreadableEvent(Event):
    """An event of a type that this program knows and can't read: it stops the read models that need it."""

    of: type[Event]
    reason: str


class EventUnreadable(Impersonal):
    """A read model needs an event that can't be read; the message says why, without what is in the event."""


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event as the log keeps it."""

    position: int
    """Its place in the log; rises in commit order."""
    event_id: UUID
    stream: str
    """Whose history it belongs to, such as `order-<id>`."""
    stream_version: int
    """Its place in the stream, gapless from 1."""
    type: str
    occurred_at: datetime
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    actor: str
    event: Event


@dataclass
class EventTypes:
    """Every type of event that this program can read, by its name."""

    _types: dict[str, type[Event]] = field(default_factory=dict)

    def add(self, *types: type[Event]) -> None:
        """Makes `types` readable; raises `ValueError` where a name is taken."""
        for event_type in types:
            if self._types.setdefault(event_type.__name__, event_type) is not event_type:
                raise ValueError(f"two event types are called {event_type.__name__}")

    def read(self, name: str, schema_version: int, data: str) -> Event:
        """The event that was stored, or why there is none; never raises."""
        event_type = self._types.get(name)
        if event_type is None:
            return UnknownEvent(data=data)
        if schema_version > event_type.schema_version:
            return UnreadableEvent(
                of=event_type, reason=f"version {schema_version} is newer than this program"
            )
        try:
            return decode(data, event_type)
        except msgspec.MsgspecError as error:
            return UnreadableEvent(of=event_type, reason=_without_values(error))

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._types.values())


def _without_values(error: msgspec.MsgspecError) -> str:
    """Tell what is wrong with the data, and where in it: a value that the error quotes may be personal."""
    if error.__cause__:  # the words of a type that refuses a value: anything may be in them
        return f"a value is refused with {type(error.__cause__).__name__}"
    wrong, at, path = str(error).rpartition(" - at `")
    return re.split("['\"]", wrong if at else path)[0].strip() + (f" at `{path}" if at else "")


class EventLog(Protocol):
    """The append-only log of all events, read in commit order."""

    async def head(self) -> int:
        """The position of the newest event; 0 in an empty log."""

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Up to `limit` events with a position greater than `after`, in order."""


class Commits(Protocol):
    """A listener to the commits of all processes."""

    def told(self, command_id: UUID | None) -> None:
        """Note a commit: of events, or of a command that left none and has this id."""

    def missed(self) -> None:
        """Note that anything may have been committed since the last call."""
