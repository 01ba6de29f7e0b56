"""A collector of traces: it takes OTLP over HTTP, and keeps the spans that it decodes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

PATIENCE = 20.0
"""Seconds until a span must have come, on a machine that has other things to do."""


@dataclass(frozen=True)
class Received:
    """A span that was sent."""

    name: str
    kind: int
    """1 for internal, 2 for server, 4 for producer, 5 for consumer."""
    trace: str
    id: str
    parent: str
    """The id of the span above it; empty for the first one of a trace."""
    links: Sequence[str]
    """The ids of the traces that it has links to."""
    attributes: dict[str, Any]
    failed: bool
    seconds: float
    service: str


class Collector:
    """The spans that have come, in their order."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.spans: list[Received] = []
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

    def take(self, body: bytes) -> None:
        """Take a message, in a thread of the server."""
        spans = [*_spans_in(ExportTraceServiceRequest.FromString(body))]
        self._loop.call_soon_threadsafe(self._add, spans)

    def _add(self, spans: Sequence[Received]) -> None:
        self.spans += spans
        self._arrived.set()

    def of(self, trace: str) -> dict[str, Received]:
        """The spans of a trace by their names."""
        return {each.name: each for each in self.spans if each.trace == trace}

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait for spans until they are as they should be."""
        async with asyncio.timeout(PATIENCE):
            while not seen():
                self._arrived.clear()
                await self._arrived.wait()

    async def trace(self, trace: str, *names: str) -> dict[str, Received]:
        """Wait until a trace has spans of all these names, and return its spans by their names."""
        await self.until(lambda: {*names} <= self.of(trace).keys())
        return self.of(trace)


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """Collect until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_said: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        collector = Collector(server.server_address[1])
        serving = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()


def _spans_in(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for resource in request.resource_spans:
        described = {each.key: _value(each.value) for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Received(
                    name=span.name,
                    kind=span.kind,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=[each.trace_id.hex() for each in span.links],
                    attributes={each.key: _value(each.value) for each in span.attributes},
                    failed=span.status.code == 2,
                    seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    service=described["service.name"],
                )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
