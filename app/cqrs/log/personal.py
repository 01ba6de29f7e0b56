"""The personal data in events: split off before it is stored, so that it can be sealed and forgotten.

The store seals the part with a key of the person. Once that key is gone, personal fields read as `None`.
"""

from collections.abc import Iterator
from dataclasses import fields
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints
from uuid import UUID

import msgspec

from app.cqrs.messages import Event


class Split(NamedTuple):
    """The data of an event in two parts, each a JSON object."""

    open: str
    """The fields that are not personal."""
    personal: bytes
    """The personal fields."""


def has_personal_data(event_type: type[Event]) -> bool:
    """Return whether events of a type have personal data of a person that they name."""
    return bool(event_type.personal_fields) and event_type.person_field is not None


def person_of(event: Event) -> UUID | None:
    """Return the id of the person that an event has personal data of, or whom it forgets; else `None`."""
    kind = type(event)
    if kind.person_field is None or not (kind.personal_fields or kind.forgets):
        return None
    person: UUID = getattr(event, kind.person_field)
    return person


def split(event: Event) -> Split:
    """Return the two parts of an event's data."""
    personal = type(event).personal_fields or ()
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    sealed = {name: values.pop(name) for name in personal}
    return Split(msgspec.json.encode(values).decode(), msgspec.json.encode(sealed))


def split_stored(data: str, event_type: type[Event]) -> Split:
    """Return the two parts of data that was stored in one; fields of earlier shapes may be missing."""
    values: dict[str, Any] = msgspec.json.decode(data, type=dict)
    sealed = {name: values.pop(name) for name in event_type.personal_fields or () if name in values}
    return Split(msgspec.json.encode(values).decode(), msgspec.json.encode(sealed))


def erased(personal: bytes) -> bytes:
    """Return the personal part with `null` in place of each value."""
    return msgspec.json.encode(dict.fromkeys(msgspec.json.decode(personal, type=dict[str, msgspec.Raw])))


def joined(open_part: str, personal: bytes) -> str:
    """Return an event's data from its two parts."""
    if len(open_part) <= len("{}") or len(personal) <= len(b"{}"):
        return personal.decode() if len(open_part) <= len("{}") else open_part
    return f"{open_part[:-1]},{personal[1:].decode()}"


def problems(event_type: type[Event]) -> Iterator[str]:
    """Yield a sentence, with what to do, for each declaration with which personal data can't be forgotten."""
    name, person, home = event_type.__name__, event_type.person_field, event_type.__module__
    hints = get_type_hints(event_type)
    if event_type.forgets and person is None:
        yield f"{name} forgets nobody: set `person_field` to the field with the person's id in {home}."
    if event_type.personal_fields and person is None:
        yield (
            f"{name} does not say whose its personal fields are: set `person_field` to the name of the field "
            f"with the person's id in {home}."
        )
    if person is not None and hints.get(person) is not UUID:
        yield (
            f"{name} has no field {person} of the type UUID, which its `person_field` names: correct it in "
            f"{home}."
        )
    for field in event_type.personal_fields or ():
        if field in hints and NoneType not in get_args(hints[field]):
            yield (
                f"{name}.{field} can't be forgotten, because it can't be None: add `| None` to its type in "
                f"{home}."
            )


class ActorForgotten(Event):
    """The name of an actor who is no customer was forgotten; what they did remains, under a pseudonym."""

    personal_fields = ()
    person_field = "person"
    forgets = True

    person: UUID


ERASED_DIGITS = 8
"""Digits that tell forgotten actors apart."""


def erased_name(person: UUID) -> str:
    """Return what is shown in place of the name of a forgotten actor; it is equal for equal actors."""
    return f"erased {person.hex[-ERASED_DIGITS:]}"
