"""Events as operators see them: with all fields, but without personal data."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import NamedTuple

import msgspec

from app.cqrs.log.events import UnknownEvent, UnreadableEvent
from app.cqrs.messages import Event


class DisplayedField(NamedTuple):
    """A field of an event; its value as JSON text, or `None` if the value is personal."""

    name: str
    value: str | None


def displayed(event: Event) -> Sequence[DisplayedField]:
    """Return all fields of an event that can be read, in order; none of one that can't be."""
    if unreadable(event):
        return ()
    personal = type(event).personal_fields
    return [
        DisplayedField(
            field.name,
            None
            if personal is None or field.name in personal
            else msgspec.json.encode(getattr(event, field.name)).decode(),
        )
        for field in fields(event)
    ]


def unreadable(event: Event) -> str | None:
    """Return the reason for which an event can't be read, without its data; `None` if it can be."""
    match event:
        case UnknownEvent():
            return "This program does not know the type of the event, which a newer one has recorded."
        case UnreadableEvent(reason=reason):
            return f"The event can't be read: {reason}."
    return None


def problems(event: type[Event]) -> Iterator[str]:
    """Yield a sentence if an event does not say which of its fields are personal, or names none of them."""
    name, personal = event.__name__, event.personal_fields
    if personal is None:
        yield (
            f"{name} does not say which of its fields are personal: set `personal_fields` to their names in "
            f"{event.__module__}, or to `()`."
        )
        return
    for each in personal:
        if each not in {field.name for field in fields(event)}:
            yield (
                f"{name} has no field {each}, which its `personal_fields` name: correct the spelling in "
                f"{event.__module__}."
            )
