"""The only two places where events become rows of the log and rows become events.

Here the personal data of events is sealed and opened. It is stored in the open where there are no keys.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from app.cqrs.commands.outcomes import CommandKey
from app.cqrs.commands.write_store import Cause
from app.cqrs.log.events import Appended, EventTypes, RecordedEvent, SplitEvent, UnreadableEvent
from app.cqrs.log.personal import erased_name, has_personal_data, joined, person_of, split
from app.cqrs.log.stored import StoredEvent
from app.cqrs.messages import Event, encode
from app.cqrs.viewers import PROGRAMS
from app.stores.sql.keys.actors import Actor, pattern_of, person_in
from app.stores.sql.keys.person_keys import Keys, PersonKeys
from app.stores.sql.keys.sealing import DataKey, WrongKey, sealed, unsealed

NO_KEYS: Keys = {}
NO_NAMES: Mapping[str, str] = {}

DECODED_AT_ONCE = 50
"""Events that are decoded, in about a millisecond, before others have a turn."""


class Newest(NamedTuple):
    """The end of the log."""

    position: int
    event_id: UUID | None
    """`None` in an empty log, and if the event was committed while the transaction waited for its turn."""


@dataclass(frozen=True)
class EventCodec:
    """The codec of one log."""

    types: EventTypes
    keys: PersonKeys | None = None
    """`None` in tools and tests that have no keys: what is sealed then reads as if it was forgotten."""

    async def keys_to_append(self, events: Iterable[Event]) -> Keys:
        """Return the keys with which events are sealed, once durable; raise `WriteStoreUnavailable`."""
        if self.keys is None:
            return NO_KEYS
        people = {person for event in events if (person := _sealed_for(event)) is not None}
        return await self.keys.made(people) if people else NO_KEYS

    def columns(self, event: Event, event_id: UUID, keys: Keys) -> dict[str, Any]:
        """Return the columns with the data of an event."""
        person = person_of(event)
        if self.keys is None or person is None or not type(event).personal_fields:
            return {"data": encode(event), "person": person, "sealed": None}
        parts = split(event)
        return {
            "data": parts.open,
            "person": person,
            "sealed": sealed(parts.personal, keys.get(person), event_id),
        }

    async def recorded(self, rows: Sequence[Any]) -> list[RecordedEvent]:
        """Return the events in rows of the log, in order; raise `WriteStoreUnavailable`."""
        keys, names = NO_KEYS, NO_NAMES
        if self.keys is not None:
            self.keys.refuse_if_unread()
            for row in rows:  # Another process may have forgotten somebody whose key is known here.
                if row.person is not None and row.sealed is None and self.types.current(row.type).forgets:
                    self.keys.drop(row.person)
            if people := {row.person for row in rows if row.sealed is not None}:
                keys = await self.keys.of(people)
            actors = {row.actor for row in rows}
            names = {**await self.names_of(actors), **await self._pseudonyms_of(actors)}
        found = list[RecordedEvent]()
        for row in rows:
            found.append(self.event_in(row, keys, names))
            if len(found) % DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return found

    async def stored_actor(self, cause: Cause) -> str:
        """Return the actor as it is stored: a pseudonym of somebody's name; raise `WriteStoreUnavailable`."""
        if self.keys is None or cause.actor in PROGRAMS:
            return cause.actor
        return await self.keys.pseudonym(Actor(cause.actor, cause.customer))

    async def sealed_actor(self, stored: str) -> str:
        """Return a stored actor as it is stored today; nobody knows whether an open name is a customer's."""
        if self.keys is None or stored in PROGRAMS or person_in(stored):
            return stored
        return await self.keys.pseudonym(Actor(stored))

    async def names_of(self, stored: Collection[str]) -> Mapping[str, str]:
        """Return the names of stored actors that are pseudonyms, unless they were forgotten."""
        hidden = [each for each in stored if person_in(each)]
        return await self.keys.names(hidden) if hidden and self.keys else NO_NAMES

    async def command_keys(self, rows: Sequence[Any]) -> list[CommandKey]:
        """Return the identities of the commands in rows, in order; raise `WriteStoreUnavailable`."""
        names = await self.names_of({row.actor for row in rows})
        return [CommandKey(self.actor_in(row.actor, names)[0], row.command_id) for row in rows]

    async def stored_actors(self, shown: str) -> tuple[list[str], str | None]:
        """Return the actors that are stored for the one that is shown, and a pattern of forgotten ones."""
        hidden = await self.keys.store.actors([shown]) if self.keys else {}
        return [shown, *hidden], pattern_of(shown)

    def actor_in(self, stored: str, names: Mapping[str, str]) -> tuple[str, UUID | None]:
        """Return the name of a stored actor, or what is shown in its place, and whose name it is.

        `names` are names by pseudonyms, and pseudonyms by names that are stored in the open.
        """
        if (person := person_in(stored)) is None:
            return stored, person_in(names.get(stored, ""))
        name = None if self.keys and self.keys.has_forgotten(person) else names.get(stored)
        return erased_name(person) if name is None else name, person

    def event_in(self, row: Any, keys: Keys, names: Mapping[str, str]) -> RecordedEvent:
        """Return the event in a row of the log."""
        event = self._read(row, keys)
        actor, actor_person = self.actor_in(row.actor, names)
        return RecordedEvent(
            position=row.position,
            event_id=row.event_id,
            stream=row.stream,
            stream_version=row.stream_version,
            type=self.types.name(event, row.type),
            occurred_at=row.occurred_at,
            command_id=row.command_id,
            correlation_id=row.correlation_id,
            causation_id=row.causation_id,
            actor=actor,
            actor_person=actor_person,
            event=event,
            trace=row.trace,
        )

    def appended(
        self, newest: Newest, rows: Sequence[dict[str, Any]], keys: Keys, names: Mapping[str, str]
    ) -> Appended:
        """Return the events in these rows, which come right after the `newest` one."""
        return Appended(
            after=newest.event_id,
            last=rows[-1]["position"],
            count=len(rows),
            events=lambda: [self.event_in(SimpleNamespace(**row), keys, names) for row in rows],
            stored=lambda: [StoredEvent.of(SimpleNamespace(**row)) for row in rows],
        )

    async def _pseudonyms_of(self, actors: Collection[str]) -> Mapping[str, str]:
        """Return the pseudonyms that will replace names in the open.

        Documents that are made before that have the person then, with whom the name is forgotten in them.
        """
        return {each: stored for each in actors if (stored := await self.sealed_actor(each)) != each}

    def _read(self, row: Any, keys: Keys) -> Event:
        data = row.data
        if row.sealed is not None:
            try:
                data = joined(data, unsealed(row.sealed, self._key(row.person, keys), row.event_id))
            except WrongKey as error:
                return UnreadableEvent(of=self.types.current(row.type), reason=str(error))
        event = self.types.read(row.type, row.schema_version, data)
        if self.keys is not None and row.sealed is None:
            event = self._without_forgotten(event)
        return event

    def _key(self, person: UUID, keys: Keys) -> DataKey | None:
        """Return the key of a person who was not forgotten since the keys were read."""
        return None if self.keys and self.keys.has_forgotten(person) else keys.get(person)

    def _without_forgotten(self, event: Event) -> Event:
        """Return an event that is not sealed yet without the personal data of people who were forgotten."""
        assert self.keys is not None
        if isinstance(event, SplitEvent):
            return replace(event, events=tuple(map(self._without_forgotten, event.events)))
        person = _sealed_for(event)
        if person is None or not self.keys.has_forgotten(person):
            return event
        return replace(event, **dict.fromkeys(type(event).personal_fields or ()))


def _sealed_for(event: Event) -> UUID | None:
    return person_of(event) if has_personal_data(type(event)) else None


def forgotten_in(events: Iterable[Event]) -> Collection[UUID]:
    """Return the persons that events say are forgotten."""
    return {person for event in events if type(event).forgets and (person := person_of(event)) is not None}


def stored_names(row: Mapping[str, Any]) -> str:
    """Return the data of a row of the log, with `null` for whatever is sealed in it."""
    hidden = row.get("sealed")
    return row["data"] if hidden is None else joined(row["data"], unsealed(hidden, None, row["event_id"]))
