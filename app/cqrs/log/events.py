"""Recorded events: the envelope, the registry of types, and the log that keeps them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

import msgspec

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.stored import StoredEvent
from app.cqrs.log.upcasting import Upcast, Upcasters, UpcastFailed, named
from app.cqrs.messages import Event, decode

LONGEST_NAME = 64
"""Maximum characters of the name of an event's type."""


class UnknownEvent(Event):
    """An event of a type that only a newer program knows; projectors skip it."""

    data: str


class UnreadableEvent(Event):
    """An event of a known type that can't be read; the read models that need it fail."""

    of: type[Event]
    """The type that it would have; `Event` if that is not known, and then every read model fails."""
    reason: str


class EventUnreadable(Impersonal):
    """A read model needs an event that can't be read; the message says why, without the event's data."""


class SplitEvent(Event):
    """A stored event that upcasters have split into several events, or into none."""

    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event with its envelope, as the log stores it."""

    position: int
    """The position in the log; positions rise in commit order."""
    event_id: UUID
    stream: str
    """The stream of the aggregate that it belongs to, such as `order-<id>`."""
    stream_version: int
    """The number of the event in its stream, from 1 without gaps."""
    type: str
    """The current name of the type; the stored name if the event was split or is unknown."""
    occurred_at: datetime
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    actor: str
    """The name of the actor, or what is shown in its place once it was forgotten."""
    event: Event
    actor_person: UUID | None = None
    """The person with whom the actor's name is forgotten; `None` for a part of this program."""
    trace: str | None = None
    """The place of the command in its trace, as W3C's `traceparent` has it; `None` if it was not traced."""

    @property
    def parts(self) -> Sequence["RecordedEvent"]:
        """The event itself, or the events that it was split into, at the same position.

        The first of several has the stored event's id; the ids of the others are derived from it.
        """
        if not isinstance(self.event, SplitEvent):
            return (self,)
        return [
            replace(
                self,
                event=part,
                type=type(part).__name__,
                event_id=uuid5(self.event_id, str(number)) if number else self.event_id,
            )
            for number, part in enumerate(self.event.events)
        ]


class UndeclaredEvent(Impersonal):
    """An event whose type is not registered: once recorded, it could never be read."""


@dataclass
class EventTypes:
    """The registry of all event types that this program can read, in their current and earlier shapes."""

    _types: dict[str, type[Event]] = field(default_factory=dict)
    upcasters: Upcasters = field(default_factory=Upcasters)

    def add(self, *types: type[Event]) -> None:
        """Register `types`; raise `ValueError` if a name is taken."""
        for event_type in types:
            if self._types.setdefault(event_type.__name__, event_type) is not event_type:
                raise ValueError(f"two event types are called {event_type.__name__}: rename one")

    def read(self, name: str, schema_version: int, data: str) -> Event:
        """Return the stored event, or an `UnknownEvent` or `UnreadableEvent` with the reason; never raise."""
        event_type = self._types.get(name)
        if event_type and schema_version == event_type.schema_version:
            return _decoded(data, event_type)
        if (name, schema_version) in self.upcasters.steps:
            return self._upcast(name, schema_version, data)
        if event_type is None:
            return UnknownEvent(data=data)
        if schema_version > event_type.schema_version:
            reason = f"version {schema_version} is newer than this program"
        else:
            reason = f"no upcaster reads version {schema_version}"
        return UnreadableEvent(of=event_type, reason=reason)

    def name(self, event: Event, stored_as: str) -> str:
        """Return the current name of the event's type."""
        return type(event).__name__ if type(event).__name__ in self._types else stored_as

    def current(self, stored_as: str) -> type[Event]:
        """Return the type that is registered under the stored name; `Event` if there is none."""
        return self._types.get(stored_as, Event)

    def require(self, event: Event) -> None:
        """Raise `UndeclaredEvent` if the event's type is not registered."""
        event_type = type(event)
        if self._types.get(event_type.__name__) is not event_type:
            raise UndeclaredEvent(
                f"{event_type.__name__} is not declared by any context: "
                f"move it to the `events` module of one that is listed in CONTEXTS"
            )

    def stored_names(self, name: str) -> set[str]:
        """Return the names under which events of a type may be stored: its own, and those it once had."""
        return {name} | self.upcasters.earlier_names(name)

    def upcasts_to(self, event_type: type[Event]) -> Sequence[Upcast]:
        """Return the upcasters that take part in reading earlier shapes as this type."""
        return self.upcasters.leads_to(event_type.__name__)

    def problems(self) -> Iterator[str]:
        """Yield an error message, with what to do, for each declaration that makes an event unreadable."""
        steps = self.upcasters.steps
        for name, event_type in self._types.items():
            if len(name) > LONGEST_NAME:
                yield f"{name} has more than {LONGEST_NAME} characters: give that event a shorter name."
            for version in range(1, event_type.schema_version):
                if (name, version) not in steps:
                    yield (
                        f"No upcaster reads {named((name, version))}, and {name} is at version "
                        f"{event_type.schema_version}: add one to the upcasters in {event_type.__module__}."
                    )
        for old, step in steps.items():
            newest = self._types.get(old[0])
            if newest and old[1] >= newest.schema_version:
                yield f"{named(old)} is not an earlier shape: drop its upcaster, or raise `schema_version`."
            for new in step.new:
                read = self._types.get(new[0])
                if new not in steps and not (read and read.schema_version == new[1]):
                    yield f"The upcaster of {named(old)} leads to {named(new)}, which nothing reads."
            if any(old == later for later in self._after(old)):
                yield f"The upcasters of {named(old)} lead back to it."

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._types.values())

    def _after(self, old: tuple[str, int]) -> set[tuple[str, int]]:
        found, wanted = set[tuple[str, int]](), [old]
        while wanted:
            step = self.upcasters.steps.get(wanted.pop())
            fresh = {*step.new} - found if step else set()
            found |= fresh
            wanted += fresh
        return found

    def _upcast(self, name: str, schema_version: int, data: str) -> Event:
        target = self._types.get(name, Event)
        try:
            stored = msgspec.json.decode(data, type=dict)
            made = list(self.upcasters.read((name, schema_version), stored))
        except msgspec.MsgspecError as error:
            return UnreadableEvent(of=target, reason=_without_values(error))
        except UpcastFailed as error:
            return UnreadableEvent(of=target, reason=str(error))
        if unread := [new for new, _ in made if new not in self._types]:
            return UnreadableEvent(of=Event, reason=f"{unread[0]} is not known")
        events = [_decoded(msgspec.json.encode(fields).decode(), self._types[new]) for new, fields in made]
        return events[0] if len(events) == 1 else SplitEvent(events=tuple(events))


def _decoded(data: str, event_type: type[Event]) -> Event:
    try:
        return decode(data, event_type)
    except msgspec.MsgspecError as error:
        return UnreadableEvent(of=event_type, reason=_without_values(error))


def _without_values(error: msgspec.MsgspecError) -> str:
    """Return the fault and its path in the data, without the quoted value, which may be personal."""
    if error.__cause__:  # The text of a type that refuses a value may quote that value.
        return f"a value is refused with {type(error.__cause__).__name__}"
    wrong, at, path = str(error).rpartition(" - at `")
    return re.split("['\"]", wrong if at else path)[0].strip() + (f" at `{path}" if at else "")


@dataclass(frozen=True, kw_only=True)
class Appended:
    """Events that a commit has put at the end of the log."""

    after: UUID | None
    """The id of the event right before them; `None` if it is unknown, or the log was empty."""
    last: int
    """The position of the newest of them."""
    count: int
    events: Callable[[], Sequence["RecordedEvent"]]
    """Reads them, as a reader of the log would, from what was stored."""
    stored: Callable[[], Sequence[StoredEvent]] | None = None
    """Returns them as they were stored; `None` if another process has committed them."""


class EventLog(Protocol):
    """The append-only log of all events, read in commit order."""

    async def head(self) -> int:
        """Return the position of the newest event; 0 in an empty log."""

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Return up to `limit` events with a position greater than `after`, in order.

        There are fewer only if the log has no more.
        """


class StoredLog(Protocol):
    """The log as the stream of a cluster needs it."""

    async def head(self) -> int:
        """Return the position of the newest event, or 0; raise `WriteStoreUnavailable`."""

    async def read_stored(self, *, after: int, limit: int) -> Sequence[StoredEvent]:
        """Return up to `limit` events after a position as they are stored; raise `WriteStoreUnavailable`."""

    async def decoded(self, stored: Sequence[StoredEvent]) -> Sequence[RecordedEvent]:
        """Return stored events as a reader of the log gets them, in the same order.

        Raises `WriteStoreUnavailable` if something that this needs is neither in memory nor within reach.
        """


class Commits(Protocol):
    """A listener to the commits of all processes."""

    def committed(self, command_id: UUID | None) -> None:
        """Record a commit: of events, or of the command with this id, which recorded none."""

    def missed(self) -> None:
        """Record that any number of commits may have been missed since the last call."""
