#!/usr/bin/env bash
# OpenTelemetry's force_flush(1000) waits for seven seconds, and returns True though nothing was delivered.
#
# Versions:  opentelemetry-sdk 1.45.2, opentelemetry-exporter-otlp-proto-http 1.45.2
# Guess:     force_flush(timeout_millis) returns True if the spans were delivered, and False if they were not, at the
#            latest after this time. That is what its parameter and its return type are for.
# Behaviour: With a BatchSpanProcessor the timeout is not looked at, and the result is always True. The exporter tries
#            an unreachable collector for up to 10 s, four attempts with growing pauses, in the caller's thread. The
#            spans are dropped then. The exporter itself says FAILURE; nobody passes it on.
# Matters:   A job that ends with `if not provider.force_flush(1000)` reports success, and a request handler or a signal
#            handler that flushes stands still for seconds. Give the exporter a short `timeout`; to know whether spans
#            arrived, wrap the exporter and keep its results.
# Seen:
#   collector answers 200     force_flush(1000): True after 0 s, exporter says SUCCESS
#   nobody listens            force_flush(1000): True after 7 s, exporter says FAILURE
#   the same, timeout=1       force_flush(1000): True after 1 s, exporter says FAILURE
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2

"$folder/venv/bin/python" - <<'PYTHON'
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

logging.disable()


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


class Noting(OTLPSpanExporter):
    results: list[str] = []

    def export(self, spans):
        result = super().export(spans)
        self.results.append(result.name)
        return result


def flushed(port, **settings):
    """Return what force_flush(1000) says, after how many seconds, and what the exporter said."""
    exporter = Noting(endpoint=f"http://127.0.0.1:{port}/v1/traces", **settings)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    with provider.get_tracer("findings").start_as_current_span("placed"):
        pass
    began = time.monotonic()
    answer = provider.force_flush(1000)
    seconds = time.monotonic() - began
    provider.shutdown()
    return answer, seconds, Noting.results.pop()


collector = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
reserved = socket.socket()
reserved.bind(("127.0.0.1", 0))  # not listening: a connection to it is refused
nobody = reserved.getsockname()[1]
seen = {
    "collector answers 200": flushed(collector.server_port),
    "nobody listens": flushed(nobody),
    "the same, timeout=1": flushed(nobody, timeout=1),
}
collector.shutdown()
for name, (answer, seconds, result) in seen.items():
    print(f"{name:25} force_flush(1000): {answer} after {seconds:.0f} s, exporter says {result}")
answers = [answer for answer, _, _ in seen.values()]
results = [result for _, _, result in seen.values()]
assert answers == [True] * 3, seen
assert results == ["SUCCESS", "FAILURE", "FAILURE"], seen
assert seen["nobody listens"][1] > 4, seen
PYTHON
