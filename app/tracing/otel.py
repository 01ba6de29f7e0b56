"""OpenTelemetry's driver: spans are queued, and a thread of their own sends them by OTLP over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from threading import Thread
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from app.cqrs.measured.sampling import span_of, trace_of
from app.cqrs.measured.spans import Attributes, Kind
from app.tracing.internals.opentelemetry import ended_span

LEAVES_WITHIN = 2.0
"""Seconds that sending the last spans may take when the service stops."""

NAME = "diptych"
"""The name of what makes the spans."""

_SAMPLED, _SCOPE = TraceFlags(TraceFlags.SAMPLED), InstrumentationScope(NAME)

_KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
}

_ROOT = Context()
"""The context of a span without a parent; by default the library would take that of the current task."""

logger = logging.getLogger(__name__)


class OtelSpans:
    """The spans of this process. They are all sent: what is not to be traced never comes here."""

    def __init__(self, url: str, service: str) -> None:
        """Make spans of a service, which `sending` sends to a URL."""
        self._url = url
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=_resource(service), shutdown_on_exit=False
        )
        self._tracer = self._provider.get_tracer(NAME)
        self._send: Callable[[ReadableSpan], None] = lambda _span: None

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        parent: str | None,
        links: Sequence[str] = (),
        attributes: Attributes,
    ) -> "_Span":
        """Begin a span below the place `parent`, or a trace of its own, with links to other places."""
        above = set_span_in_context(NonRecordingSpan(_context(parent)), _ROOT) if parent else _ROOT
        return _Span(self._tracer.start_span(name, above, _KINDS[kind], attributes, _links(links)))

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
        above = _context(parent) if parent else None
        trace = above.trace_id if above else self._provider.id_generator.generate_trace_id()
        own = SpanContext(trace, self._provider.id_generator.generate_span_id(), False, _SAMPLED)
        self._send(
            ended_span(
                name,
                _KINDS[kind],
                context=own,
                parent=above,
                links=_links(links),
                began=began,
                attributes=attributes,
                resource=self._provider.resource,
                scope=_SCOPE,
            )
        )
        return _place(own)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send spans while the block runs, and the last ones for at most `LEAVES_WITHIN` seconds after it."""
        _silence()
        exporter = _Exporter(self._url)
        processor = BatchSpanProcessor(exporter)
        self._provider.add_span_processor(processor)
        self._send = processor.on_end
        try:
            yield
        finally:
            # The library waits for 30 seconds, and a thread of the loop's own would hold up the program.
            closing = Thread(target=self._provider.shutdown, name="traces", daemon=True)
            closing.start()
            await asyncio.to_thread(closing.join, LEAVES_WITHIN)
            exporter.shutdown()


class _Span:
    """A span that has begun."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def place(self) -> str:
        """The span's place in its trace, as the header `traceparent` of W3C has it."""
        return _place(self._span.get_span_context())

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def fail(self, reason: str) -> None:
        """Record that what the span covers has failed."""
        self._span.set_status(Status(StatusCode.ERROR, reason))

    def end(self) -> None:
        """End the span now."""
        self._span.end()


class _Exporter(SpanExporter):
    """The exporter to a collector, which logs once that this does not take spans, and once that it does."""

    def __init__(self, url: str) -> None:
        self._to_collector = OTLPSpanExporter(url)
        self._shown_url = shown(url)
        self._is_away = False
        self._is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that the collector does not take are dropped."""
        result = self._to_collector.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away != self._is_away and not self._is_shut_down:
            self._is_away = is_away
            if is_away:
                logger.warning(
                    "The collector does not take traces, which are dropped until it does: url=%s",
                    self._shown_url,
                )
            else:
                logger.warning("The collector takes traces again: url=%s", self._shown_url)
        return result

    def shutdown(self) -> None:
        """End an attempt to send spans that is under way."""
        if not self._is_shut_down:
            self._is_shut_down = True
            self._to_collector.shutdown()  # type: ignore[no-untyped-call]


def collector_takes_traces(url: str, patience: float) -> bool:
    """Return whether a collector takes an empty list of spans within some seconds."""
    _silence()
    exporter = OTLPSpanExporter(url, timeout=patience)
    try:
        return exporter.export([]) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def shown(url: str) -> str:
    """Return a URL without a password or a key that it may contain."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _context(place: str) -> SpanContext:
    return SpanContext(int(trace_of(place), 16), int(span_of(place), 16), True, _SAMPLED)


def _place(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _links(places: Sequence[str]) -> Sequence[Link]:
    return [Link(_context(each)) for each in places] if places else ()


def _resource(service: str) -> Resource:
    """Return the description of this process, with what OTEL_RESOURCE_ATTRIBUTES adds."""
    return Resource.create().merge(Resource({SERVICE_NAME: service}))


def _silence() -> None:
    """Keep the library from logging each failure, with the collector's URL and its answers."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
