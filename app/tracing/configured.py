"""The traces that the settings ask for."""

import asyncio

from app.cqrs.measured.tracing import Tracing
from app.tracing.settings import TracingSettings

EXTRA = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed.\n"
    "Install it with `pip install 'diptych[otel]'`, or leave the setting unset."
)


class TracesUnavailable(Exception):
    """The settings ask for traces, and these can't be made; the message says what to do."""


async def collector_problem(settings: TracingSettings, patience: float) -> str | None:
    """Return why traces can't be sent; `None` if they can, or if the settings ask for none."""
    url = settings.traces_to
    if url is None:
        return None
    try:
        from app.tracing.otel import collector_takes_traces, shown
    except ImportError:
        return EXTRA
    if await asyncio.to_thread(collector_takes_traces, url, patience):
        return None
    return f"The collector at {shown(url)} does not take traces, so that they are dropped."


def tracing_of(settings: TracingSettings) -> Tracing | None:
    """Return the traces of a service; `None` if the settings ask for none. Raise `TracesUnavailable`."""
    if settings.traces_to is None:
        return None
    try:
        from app.tracing.otel import OtelSpans
    except ImportError as missing:
        raise TracesUnavailable(EXTRA) from missing
    return Tracing(OtelSpans(settings.traces_to, settings.otel_service_name), settings.sampler)
