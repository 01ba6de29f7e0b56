"""Traces of changes: from the mutation through its events and the read models to the delivered items.

The place of a command's span is stored with its events. All that happens to these later, in whichever task
or process, continues the trace from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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


UNKNOWN = "GraphQL Operation"
"""The name of the span of an operation whose type is unknown."""


WITH_ERRORS = "The answer has errors."
"""The reason why a span failed whose operation was answered."""


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


class _Step:
    """A step on the way of events, such as their projection, which several traces may share."""

    def __init__(self, place: str) -> None:
        self.place = place
        """The place of the step, which is in the trace of one of the events."""
        self.began = monotonic()
        self.ended: int | None = None
        """Nanoseconds since the epoch when the step ended; `None` while it goes on."""

    def end(self) -> None:
        self.ended = time_ns()


class _Cause(NamedTuple):
    """An event whose trace the next step continues."""

    own: str
    """The place of the event's command."""
    step: _Step
    """The latest step of the event."""

    @property
    def parent(self) -> str:
        """The place below which the next step is, in the event's own trace."""
        return self.step.place if trace_of(self.step.place) == trace_of(self.own) else self.own


class _Remembered:
    """The newest traced events, each with its latest step, by position."""

    def __init__(self) -> None:
        self._causes: dict[int, _Cause] = {}

    def add(self, events: Iterable[TracedEvent], step: _Step) -> None:
        for event in events:
            if event.trace:
                self._causes.pop(event.position, None)
                self._causes[event.position] = _Cause(event.trace, step)
        while len(self._causes) > REMEMBERED:
            del self._causes[next(iter(self._causes))]

    def of(self, event: TracedEvent) -> _Cause | None:
        found = self._causes.get(event.position)
        return found if found and found.own == event.trace else None

    def between(self, after: int, to: int) -> Sequence[_Cause]:
        """Return the events after one position and up to another whose latest step is not too old."""
        since = monotonic() - REMEMBERED_SECONDS
        positions = (to,) if to == after + 1 else sorted(each for each in self._causes if after < each <= to)
        found = (self._causes.get(position) for position in positions)
        return [cause for cause in found if cause and cause.step.began > since]

    def forget(self) -> None:
        self._causes.clear()


class Delivery:
    """An item of a subscription on its way to those who have subscribed."""

    def __init__(self, spans: Spans, field: str, causes: Sequence[_Cause], subscribers: int) -> None:
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
        places = [place for each in self._causes for place in (each.own, each.step.place)]
        self._spans.record(
            f"deliver {self._field}",
            Kind.PRODUCER,
            parent=first.parent,
            links=_links(first.parent, places),
            began=first.step.ended or time_ns(),
            attributes=attributes,
        )


class Tracing:
    """The traces of a service, of the operations that its sampler chooses."""

    def __init__(self, spans: Spans, sampler: Sampler) -> None:
        self._spans = spans
        self.samples = sampler.samples
        """Return whether to trace an operation, which may come from a place in a trace."""
        self.gap = sampler.gap
        """Return how many operations without a caller come up to the next one to trace."""
        self.sending = spans.sending
        """Send spans while a block runs; those that nobody takes are dropped."""
        self._published = _Remembered()
        self._projected: dict[str, _Remembered] = {}

    def operation(self, kind: str, name: str, *, parent: str | None = None) -> SpanUnderWay:
        """Begin the span of a GraphQL operation of this type and name; each is empty if it is unknown."""
        span = self._spans.begin(
            kind or UNKNOWN, Kind.SERVER, parent=parent, attributes=_of_operation(kind, name)
        )
        return SpanUnderWay(self._spans, span)

    def answered_at_once(self, kind: str, name: str, *, parent: str | None, began: int) -> None:
        """Record a GraphQL operation that has just got an answer from memory."""
        attributes = _of_operation(kind, name)
        attributes["diptych.answer"] = "kept"
        self._spans.record(kind or UNKNOWN, Kind.SERVER, parent=parent, began=began, attributes=attributes)

    def published(self, events: Sequence[TracedEvent]) -> None:
        """Record that the relay publishes events, which is done in a moment."""
        if traced := _fresh(events):
            attributes: dict[str, str | int | Sequence[str] | Sequence[int]] = {
                "messaging.operation.name": "publish",
                "messaging.batch.message_count": len(events),
                **_named(traced),
            }
            parent = str(traced[0].trace)
            place = self._spans.record(
                "publish events",
                Kind.PRODUCER,
                parent=parent,
                links=_links(parent, [str(event.trace) for event in traced]),
                began=time_ns(),
                attributes=attributes,
            )
            self._published.add(traced, _Step(place))

    @contextmanager
    def projecting(self, read_model: str, events: Iterable[TracedEvent]) -> Iterator[None]:
        """Record that a transaction applies events while the block runs.

        A subscriber may find the changed documents before the transaction is known to have ended.
        """
        traced = _fresh(events)
        if not traced:
            yield
            return
        known = self._published.of(traced[0])
        parent = known.parent if known else str(traced[0].trace)
        attributes = {"diptych.read_model": read_model, **_named(traced)}
        links = _links(parent, [str(event.trace) for event in traced])
        span = self._spans.begin(
            f"project {read_model}", Kind.CONSUMER, parent=parent, links=links, attributes=attributes
        )
        step = _Step(span.place)
        self._projected.setdefault(read_model, _Remembered()).add(traced, step)
        try:
            yield
        except BaseException as error:
            span.fail(type(error).__name__)
            raise
        finally:
            step.end()
            span.end()

    def delivery(self, told: Told, subscribers: int) -> Delivery | None:
        """Return the delivery of an item that tells of events; `None` if none of these is traced."""
        known = self._projected.get(told.read_model)
        causes = known.between(told.after, told.to) if known else ()
        return Delivery(self._spans, told.field, causes, subscribers) if causes else None

    def forget(self) -> None:
        """Forget all places, because the same positions may belong to other events now."""
        self._published.forget()
        self._projected.clear()


def _of_operation(kind: str, name: str) -> dict[str, str]:
    attributes = {"graphql.operation.type": kind} if kind else {}
    if name:
        attributes["graphql.operation.name"] = name
    return attributes


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


def _named(events: Sequence[TracedEvent]) -> Mapping[str, Sequence[str] | Sequence[int]]:
    """Return the attributes that name traced events."""
    return {
        "diptych.events.positions": [each.position for each in events[:MOST_NAMED]],
        "diptych.events.types": sorted({each.type for each in events[:MOST_NAMED]}),
    }
