"""The traces that the settings ask for."""

from app.cqrs.measured.tracing import Tracing
from app.tracing.settings import TracingSettings

EXTRA = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed.\n"
    "Install it with `pip install 'diptych[otel]'`, or leave the setting unset."
)


class TracesUnavailable(Exception):
    """The settings ask for traces, and these can't be made; the message says what to do."""


def tracing_of(settings: TracingSettings) -> Tracing | None:
    """Return the traces of a service; `None` if the settings ask for none. Raise `TracesUnavailable`."""
    if settings.traces_to is None:
        return None
    try:
        from app.tracing.otel import OtelSpans
    except ImportError as missing:
        raise TracesUnavailable(EXTRA) from missing
    return Tracing(OtelSpans(settings.traces_to, settings.otel_service_name), settings.sampler)
