"""Spans, the parts of traces: the interface of the driver that sends them, and the one that is under way."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar, Token
from enum import Enum
from types import TracebackType
from typing import Protocol, Self

Attributes = Mapping[str, str | int | Sequence[str] | Sequence[int]]
"""The attributes of a span. None of them is personal: they leave the service."""


class Kind(Enum):
    """The role of a span, as OpenTelemetry names it."""

    SERVER = "server"
    """It answers a client."""
    INTERNAL = "internal"
    PRODUCER = "producer"
    """It hands something over that others process later."""
    CONSUMER = "consumer"
    """It processes what was handed over before."""


class Span(Protocol):
    """A span that has begun."""

    @property
    def place(self) -> str:
        """The span's place in its trace, as the header `traceparent` of W3C has it."""

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""

    def fail(self, reason: str) -> None:
        """Record that what the span covers has failed, for a reason without personal data."""

    def end(self) -> None:
        """End the span now; it is sent later."""


class Spans(Protocol):
    """The driver that makes spans and sends them, without making anybody wait for that."""

    def sending(self) -> AbstractAsyncContextManager[None]:
        """Send spans while the block runs; those that nobody takes are dropped."""

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None,
        links: Sequence[str] = (),
        attributes: Attributes,
    ) -> Span:
        """Begin a span below the place `parent`, or a trace of its own, with links to other places."""

    def record(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None,
        links: Sequence[str] = (),
        began: int,
        attributes: Attributes,
    ) -> str:
        """Record a span that ends now, and began so many nanoseconds after the epoch; return its place."""


class SpanUnderWay:
    """A span that is the current one of its task within a `with` block, and ends with it."""

    def __init__(self, spans: Spans, span: Span) -> None:
        self._spans = spans
        self._span = span
        self._before: Token[SpanUnderWay | None] | None = None

    @property
    def place(self) -> str:
        """The span's place in its trace, as the header `traceparent` of W3C has it."""
        return self._span.place

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.note(attributes)

    def fail(self, reason: str) -> None:
        """Record that what the span covers has failed, for a reason without personal data."""
        self._span.fail(reason)

    def begin_below(self, name: str) -> "SpanUnderWay":
        """Begin a span for a part of what this one covers."""
        below = self._spans.begin(name, Kind.INTERNAL, parent=self.place, attributes={})
        return SpanUnderWay(self._spans, below)

    def __enter__(self) -> Self:
        self._before = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._before:
            _current.reset(self._before)
        if kind:
            self._span.fail(kind.__name__)
        self._span.end()


_current: ContextVar[SpanUnderWay | None] = ContextVar("span under way", default=None)


_elsewhere: ContextVar[str | None] = ContextVar("place of a span of another process", default=None)


@contextmanager
def continuing(place: str | None) -> Iterator[None]:
    """Continue a trace from a place in another process within the block; from none if that is `None`."""
    before = _elsewhere.set(place)
    try:
        yield
    finally:
        _elsewhere.reset(before)


def current_span() -> SpanUnderWay | None:
    """Return the span of what the current task carries out; `None` if that is not traced."""
    return _current.get()


def current_place() -> str | None:
    """Return the place of the current span in its trace, here or elsewhere; `None` if there is none."""
    span = _current.get()
    return span.place if span else _elsewhere.get()
