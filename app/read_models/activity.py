"""The audit trail: an entry for each event, with its actor, time, aggregate and command."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict

from app.cqrs.documents.audiences import STAFF
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.personal import erased_name, person_of
from app.cqrs.messages import Event
from app.cqrs.reading.pages import Listing
from app.domain.catalog.events import PriceChanged, ProductAdded, ProductUpdated
from app.domain.orders.events import OrderCancelled, OrderPlaced
from app.domain.stock.events import (
    StockAdjusted,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
)

activity = ReadModel(
    "activity",
    description="The audit trail: an entry for each recorded event.",
    also_reads=("a878fc5c", "03b2516b"),  # No actor, or nobody, was forgotten in those.
)


class ActivityDocument(TypedDict):
    """An entry for one event, without personal data but for the name of the actor."""

    _id: str
    position: int
    event_id: str
    type: str
    subject_kind: str
    subject_id: str
    stream: str
    stream_version: int
    at: datetime
    actor: str
    actor_person: str | None
    """The person with whom the actor's name is forgotten."""
    command_id: str
    correlation_id: str
    causation_id: str
    summary: str


entries = activity.collection(
    seen_by=STAFF,
    indexes=[
        *((key, "position", "_id") for key in ("stream", "command_id", "actor", "type")),
        ("at",),
        ("actor_person",),  # by it the entries of a forgotten actor are found
    ],
)


@activity.on_any
def happened(event: Event, at: RecordedEvent) -> Iterator[Change]:
    """Add an entry for an event of any type, including types that this version of the code does not know."""
    kind, _, subject = at.stream.partition("-")
    yield entries.put(
        at.event_id,
        {
            "event_id": str(at.event_id),
            "type": at.type,
            "subject_kind": kind,
            "subject_id": subject,
            "stream": at.stream,
            "stream_version": at.stream_version,
            "at": at.occurred_at,
            "actor": at.actor,
            "actor_person": str(at.actor_person) if at.actor_person else None,
            "command_id": str(at.command_id),
            "correlation_id": str(at.correlation_id),
            "causation_id": str(at.causation_id),
            "summary": _in_words(at.type) + _details(event),
        },
    )
    if type(event).forgets and (person := person_of(event)):
        theirs = {"actor_person": str(person)}
        yield entries.update_where(theirs, {"$set": {"actor": erased_name(person)}})


def activity_matching(
    *,
    streams: Sequence[str] | None = None,
    command_id: str | None = None,
    actor: str | None = None,
    event_type: str | None = None,
    at_from: datetime | None = None,
    at_to: datetime | None = None,
) -> Listing:
    """Return the listing of entries that match all given criteria, newest first; `at_to` is exclusive."""
    wanted = {"command_id": command_id, "actor": actor, "type": event_type}
    filter: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    if streams is not None:
        filter["stream"] = {"$in": list(streams)}
    filter |= in_range("at", at_least=at_from, before=at_to)
    return Listing(entries, filter, ["-position"])


def _in_words(name: str) -> str:
    """Return an event type as words, such as "Order placed" for `OrderPlaced`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def _details(event: Event) -> str:
    """Return the details for an entry's summary; never free text, which may contain personal data."""
    match event:
        case ProductAdded(sku=sku, unit_price=price):
            return f": {sku} at {price}"
        case ProductUpdated(sku=sku):
            return f": {sku}"
        case PriceChanged(previous_price=before, unit_price=after):
            return f": from {before} to {after}"
        case StockReceived(quantity=quantity, on_hand=on_hand):
            return f": {_count(quantity, 'unit')}, {on_hand} on hand"
        case StockAdjusted(change=change, on_hand=on_hand):
            return f": {change:+} on hand, now {on_hand}"
        case StockReserved(quantity=quantity) | StockReleased(quantity=quantity):
            return f": {_count(quantity, 'unit')}, {event.reserved} of {event.on_hand} reserved"
        case StockShipped(quantity=quantity, on_hand=on_hand):
            return f": {_count(quantity, 'unit')}, {on_hand} on hand"
        case OrderPlaced(lines=lines, total=total) | OrderCancelled(lines=lines, total=total):
            return f": {_count(len(lines), 'line')}, {total}"
        case _:
            return ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
