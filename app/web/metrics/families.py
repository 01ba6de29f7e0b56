"""The metrics, made of what the process counts and of what was observed for a scrape."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from app.cqrs.circle import Circle
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.measured.durations import BOUNDS, Durations
from app.cqrs.rebuilding.records import RebuildState
from app.graphql.compiled.answers import CompiledQueries
from app.graphql.measured.traffic import Traffic
from app.web.metrics.observing import Observed

_BUCKETS = (*map(str, BOUNDS), "+Inf")


def of_commands(circle: Circle) -> Iterator[Metric]:
    """Yield the metrics of the commands of this process."""
    commands = circle.commands.measured.durations
    yield _histogram(
        "diptych_command_seconds",
        "Time until a command's outcome was known. The outcome is ACCEPTED, the code of the first reason for "
        "a refusal, or the name of an error.",
        ("command", "outcome"),
        ((key, durations) for key, durations in sorted(commands.items())),
    )


def of_log(circle: Circle, observed: Observed) -> Iterator[Metric]:
    """Yield the metrics of the event log and of its relay."""
    yield _gauge("diptych_write_store_up", "1 if the write store answers.", observed.head is not None)
    if observed.head is not None:
        yield _gauge("diptych_log_position", "Position of the newest event in the log.", observed.head)
    yield _gauge(
        "diptych_log_published_position",
        "Position of the newest event that this process has published on its event bus.",
        circle.relay.published,
    )
    yield _gauge(
        "diptych_log_unpublished_seconds",
        "Age of the oldest event that is not published; 0 if there is none.",
        observed.unpublished,
    )


def of_read_models(circle: Circle) -> Iterator[Metric]:
    """Yield the metrics of each read model."""
    model = ("read_model",)
    position = GaugeMetricFamily(
        "diptych_read_model_position", "Position that the documents reflect.", labels=model
    )
    behind = GaugeMetricFamily(
        "diptych_read_model_events_behind", "Events that are not applied.", labels=model
    )
    lag = GaugeMetricFamily(
        "diptych_read_model_lag_seconds", "Age of the oldest event that is not applied.", labels=model
    )
    state = GaugeMetricFamily(
        "diptych_read_model_state", "1 for the state of the read model.", labels=(*model, "state")
    )
    for name, progress in circle.progress.items():
        freshness = progress.freshness()
        position.add_metric((name,), freshness.position)
        behind.add_metric((name,), freshness.events_behind)
        lag.add_metric((name,), freshness.milliseconds_behind / 1000)
        for each in ReadModelState:
            state.add_metric((name, each.value), float(freshness.state is each))
    yield from (position, behind, lag, state)
    yield _histogram(
        "diptych_projector_transaction_seconds",
        "Duration of the transactions that have changed documents.",
        model,
        (((name,), durations) for name, durations in circle.projections.transactions.items()),
    )


def of_rebuilds(circle: Circle) -> Iterator[Metric]:
    """Yield the metrics of the newest rebuild of each read model."""
    model = ("read_model",)
    under_way = GaugeMetricFamily(
        "diptych_rebuild_under_way", "1 while new documents are built or compared.", labels=model
    )
    stopped = GaugeMetricFamily(
        "diptych_rebuild_stopped",
        "1 if a rebuild waits for an operator: it failed, or differs.",
        labels=model,
    )
    position = GaugeMetricFamily(
        "diptych_rebuild_position", "Position that the documents of the newest rebuild reflect.", labels=model
    )
    pace = GaugeMetricFamily(
        "diptych_rebuild_events_per_second", "Events that a rebuild applies per second.", labels=model
    )
    switch = GaugeMetricFamily(
        "diptych_rebuild_switch_seconds",
        "Seconds of the last switch to other documents, in which no event was applied.",
        labels=model,
    )
    for name in circle.progress:
        rebuild = circle.rebuilds.of(name)
        state = rebuild.state if rebuild else None
        under_way.add_metric((name,), float(state in (RebuildState.BUILDING, RebuildState.VERIFYING)))
        stopped.add_metric((name,), float(state in (RebuildState.FAILED, RebuildState.DIFFERENT)))
        position.add_metric((name,), rebuild.position if rebuild else 0)
        pace.add_metric((name,), rebuild.events_per_second if rebuild else 0.0)
        switch.add_metric((name,), circle.rebuilds.switch_seconds(name))
    yield from (under_way, stopped, position, pace, switch)


def of_cluster(circle: Circle) -> Iterator[Metric]:
    """Yield the metrics of a process that shares its stores with others."""
    if circle.leases is not None:
        yield _gauge("diptych_leases_held", "Read models that this process projects.", circle.leases())


def of_reads(circle: Circle, queries: CompiledQueries) -> Iterator[Metric]:
    """Yield the metrics of queries and of the cache of their answers."""
    reads = CounterMetricFamily(
        "diptych_reads",
        "Root fields of queries that were answered. The way is `kept` for an answer from memory, `compiled`, "
        "or `ordinary` for all other operations.",
        labels=("field", "way"),
    )
    for field, counted in sorted(queries.reads.by_field.items()):
        for way, number in counted.by_way().items():
            reads.add_metric((field, way), number)
    yield reads
    cache = circle.cache
    yield _gauge("diptych_cache_answers", "Answers in memory.", len(cache))
    yield _gauge("diptych_cache_bytes", "Bytes that these answers take.", cache.bytes)
    yield _gauge("diptych_cache_capacity_bytes", "Bytes that they may take.", cache.capacity)


def of_subscribers(traffic: Traffic) -> Iterator[Metric]:
    """Yield the metrics of sockets and subscriptions."""
    yield _gauge("diptych_sockets", "Open websockets.", traffic.sockets)
    yield _gauge("diptych_subscribers", "Subscriptions that run, over any transport.", traffic.subscribers)
    yield CounterMetricFamily("diptych_items", "Items for subscribers.", traffic.items)
    yield CounterMetricFamily(
        "diptych_skipped_changes", "Changes that slow subscribers were not sent one by one.", traffic.skipped
    )
    yield CounterMetricFamily(
        "diptych_unread_sockets",
        "Websockets that were disconnected because their clients left messages unread.",
        traffic.unread,
    )


def of_machine(circle: Circle, observed: Observed) -> Iterator[Metric]:
    """Yield the metrics of the embedded mongod, and of the room for the data."""
    yield CounterMetricFamily(
        "diptych_mongod_restarts", "Restarts of the embedded mongod.", circle.restarts.mongod
    )
    yield _gauge("diptych_data_free_bytes", "Free bytes where the data folder is.", observed.free)
    yield _gauge(
        "diptych_data_free_ratio",
        "Part of all bytes where the data folder is that is free.",
        observed.free_ratio,
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _histogram(
    name: str, text: str, labels: tuple[str, ...], measured: Iterable[tuple[tuple[str, ...], Durations]]
) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, durations in measured:
        buckets = list(zip(_BUCKETS, map(float, accumulate(durations.counts)), strict=True))
        family.add_metric(values, buckets, durations.seconds)
    return family
