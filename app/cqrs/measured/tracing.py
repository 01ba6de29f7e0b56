"""Traces of changes: from the mutation through its events and the read models to the delivered items.

The place of a command's span is stored with its events. All that happens to these later, in whichever task
or process, continues the trace from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, time_ns
from typing import NamedTuple, Protocol

from app.cqrs.measured.sampling import Sampler, trace_of
from app.cqrs.measured.spans import Attributes, Kind, Spans, SpanUnderWay

FRESH = timedelta(minutes=10)
"""The age up to which an event continues its trace: a rebuild must not add to traces of last year."""

REMEMBERED = 1_000
"""Newest traced events of the relay, and of each read model, whose places are remembered."""

REMEMBERED_SECONDS = 60.0
"""Seconds after which an item that tells of an event is no longer a part of the event's trace."""

MOST_NAMED = 100
"""Events that a span names at most."""


class TracedEvent(Protocol):
    """An event as far as its trace is concerned."""

    @property
    def position(self) -> int:
        """The position in the log."""

    @property
    def type(self) -> str:
        """The name of the type."""

    @property
    def occurred_at(self) -> datetime:
        """The time of recording."""

    @property
    def trace(self) -> str | None:
        """The place of the command in its trace; `None` if it was not traced."""


class Told(NamedTuple):
    """The events that an item of a subscription tells of: all that changed a read model in a range."""

    field: str
    """The name of the subscription's field."""
    read_model: str
    after: int
    """The position before the first of them."""
    to: int
    """The position of the last of them."""


@dataclass(frozen=True)
class _Place:
    """The places at which an event's trace is continued."""

    own: str
    """The place of the command."""
    latest: str
    """The place of the latest step, which several events may share, and which may be in another trace."""
    at: float
    """The value of `monotonic` when the step was done."""
    ended: int
    """Nanoseconds since the epoch when the step was done."""

    @property
    def parent(self) -> str:
        """The place below which the next step is, in the event's own trace."""
        return self.latest if trace_of(self.latest) == trace_of(self.own) else self.own


class _Remembered:
    """The places of the newest traced events, by position."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}

    def add(self, events: Iterable[TracedEvent], latest: str) -> None:
        at, ended = monotonic(), time_ns()
        for event in events:
            if event.trace:
                self._places.pop(event.position, None)
                self._places[event.position] = _Place(event.trace, latest, at, ended)
        while len(self._places) > REMEMBERED:
            del self._places[next(iter(self._places))]

    def of(self, event: TracedEvent) -> _Place | None:
        found = self._places.get(event.position)
        return found if found and found.own == event.trace else None

    def between(self, after: int, to: int) -> Sequence[_Place]:
        """Return the places that are not too old, of the events after one position and up to another."""
        since = monotonic() - REMEMBERED_SECONDS
        positions = (to,) if to == after + 1 else sorted(each for each in self._places if after < each <= to)
        found = (self._places.get(position) for position in positions)
        return [place for place in found if place and place.at > since]

    def forget(self) -> None:
        self._places.clear()


class Delivery:
    """An item of a subscription on its way to those who have subscribed."""

    def __init__(self, spans: Spans, field: str, causes: Sequence[_Place], subscribers: int) -> None:
        self._spans = spans
        self._field = field
        self._causes = causes
        self._subscribers = subscribers
        self._is_done = False

    def done(self) -> None:
        """Record that a subscriber was sent the item; only the first call counts."""
        if self._is_done:
            return
        self._is_done = True
        attributes: Attributes = {
            "graphql.operation.type": "subscription",
            "diptych.subscription": self._field,
            "diptych.subscribers": self._subscribers,
        }
        first = self._causes[0]
        self._spans.begin(
            f"deliver {self._field}",
            Kind.PRODUCER,
            parent=first.parent,
            links=_links(first.parent, [each.latest for each in self._causes]),
            began=first.ended,
            attributes=attributes,
        ).end()


class Tracing:
    """The traces of a service, of the operations that its sampler chooses."""

    def __init__(self, spans: Spans, sampler: Sampler) -> None:
        self._spans = spans
        self.samples = sampler.samples
        """Return whether to trace an operation, which may come from a place in a trace."""
        self.sending = spans.sending
        """Send spans while a block runs; those that nobody takes are dropped."""
        self._published = _Remembered()
        self._projected: dict[str, _Remembered] = {}

    def operation(
        self, kind: str, name: str | None, *, parent: str | None = None, began: int | None = None
    ) -> SpanUnderWay:
        """Begin the span of a GraphQL operation of this type, which may have a name; empty if unknown."""
        attributes: dict[str, str] = {"graphql.operation.type": kind} if kind else {}
        if name:
            attributes["graphql.operation.name"] = name
        named = kind or "GraphQL Operation"
        span = self._spans.begin(named, Kind.SERVER, parent=parent, began=began, attributes=attributes)
        return SpanUnderWay(self._spans, span)

    def published(self, events: Sequence[TracedEvent]) -> None:
        """Record that the relay has published events."""
        if traced := _fresh(events):
            places = [str(each.trace) for each in traced]
            attributes = {"messaging.operation.name": "publish", **_named(traced, len(events))}
            place = self._step("publish events", Kind.PRODUCER, places[0], places, None, attributes)
            self._published.add(traced, place)

    def projected(self, read_model: str, events: Iterable[TracedEvent], seconds: float) -> None:
        """Record that a transaction of so many seconds, which has just ended, has applied events."""
        if traced := _fresh(events):
            known = self._published.of(traced[0])
            parent = known.parent if known else str(traced[0].trace)
            attributes = {"diptych.read_model": read_model, **_named(traced, None)}
            began = time_ns() - int(seconds * 1e9)
            places = [str(each.trace) for each in traced]
            name = f"project {read_model}"
            place = self._step(name, Kind.CONSUMER, parent, places, began, attributes)
            self._projected.setdefault(read_model, _Remembered()).add(traced, place)

    def delivery(self, told: Told, subscribers: int) -> Delivery | None:
        """Return the delivery of an item that tells of events; `None` if none of these is traced."""
        known = self._projected.get(told.read_model)
        causes = known.between(told.after, told.to) if known else ()
        return Delivery(self._spans, told.field, causes, subscribers) if causes else None

    def forget(self) -> None:
        """Forget all places, because the same positions may belong to other events now."""
        self._published.forget()
        self._projected.clear()

    def _step(
        self,
        name: str,
        kind: Kind,
        parent: str,
        causes: Sequence[str],
        began: int | None,
        attributes: Attributes,
    ) -> str:
        """Record a step that has ended now; return its place. It has links to its other causes."""
        links = _links(parent, causes)
        span = self._spans.begin(name, kind, parent=parent, links=links, began=began, attributes=attributes)
        span.end()
        return span.place


def _links(parent: str, places: Iterable[str]) -> Sequence[str]:
    """Return the places in other traces than the parent's, one for each trace."""
    by_trace = {trace_of(place): place for place in places}
    by_trace.pop(trace_of(parent), None)
    return [*by_trace.values()]


def _fresh(events: Iterable[TracedEvent]) -> list[TracedEvent]:
    """Return the traced events that are not old, each once."""
    traced = {event.position: event for event in events if event.trace}
    if not traced:
        return []
    since = datetime.now(UTC) - FRESH
    return [event for event in traced.values() if event.occurred_at > since]


def _named(
    events: Sequence[TracedEvent], all_events: int | None
) -> Mapping[str, int | Sequence[str] | Sequence[int]]:
    """Return the attributes that name traced events; `all_events` counts those that are not traced, too."""
    named: dict[str, int | Sequence[str] | Sequence[int]] = {
        "diptych.events.positions": [each.position for each in events[:MOST_NAMED]],
        "diptych.events.types": sorted({each.type for each in events[:MOST_NAMED]}),
    }
    if all_events is not None:
        named["messaging.batch.message_count"] = all_events
    return named
