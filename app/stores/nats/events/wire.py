"""The form in which events travel: as they are stored, each with the id of the event before it."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import msgspec

from app.cqrs.log.stored import StoredEvent


class WireEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way. Fields that a newer program adds are ignored by an older one."""

    position: int
    event_id: UUID
    after: UUID | None
    """The id of the event right before it; `None` for the first event of the log."""
    stored: StoredEvent | None
    """`None` if the event is too large for a message, and must be read from the log."""


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(WireEvent)


def chained(after: UUID | None, events: Iterable[StoredEvent]) -> Iterator[WireEvent]:
    """Yield consecutive events with the ids of those before them, the first of which is `after`."""
    for event in events:
        yield WireEvent(position=event.position, event_id=event.event_id, after=after, stored=event)
        after = event.event_id


def encoded(event: WireEvent, largest: int) -> bytes:
    """Return an event as bytes; without its data if these would be more than `largest`."""
    message = _encoder.encode(event)
    if len(message) > largest:
        message = _encoder.encode(msgspec.structs.replace(event, stored=None))
    return message


def decoded(message: bytes) -> WireEvent:
    """Return the event in a message; raise `msgspec.MsgspecError` if it has none."""
    return _decoder.decode(message)


def stored_in(events: Sequence[WireEvent]) -> Sequence[StoredEvent]:
    """Return the stored events, up to the first one that has to be read from the log."""
    found = []
    for event in events:
        if event.stored is None:
            break
        found.append(event.stored)
    return found
