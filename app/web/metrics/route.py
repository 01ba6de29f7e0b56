"""The route that Prometheus scrapes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.addresses import Network
from app.cqrs.circle import Circle
from app.graphql.compiled.answers import CompiledQueries
from app.graphql.measured.traffic import Traffic
from app.web.local_clients import address_of, refused
from app.web.metrics import families
from app.web.metrics.observing import Observed, observe

PATH = "/metrics"


class Metrics:
    """The metrics of a service, for clients on its own machine and in the networks of METRICS_CLIENTS."""

    def __init__(
        self,
        circle: Callable[[], Circle],
        queries: CompiledQueries,
        traffic: Traffic,
        *,
        data_dir: Path,
        clients: Sequence[Network] = (),
    ) -> None:
        self._circle = circle
        self._queries = queries
        self._traffic = traffic
        self._data_dir = data_dir
        self._clients = clients

    async def __call__(self, request: Request) -> Response:
        """Return the metrics as text, in the format of Prometheus or of OpenMetrics, as the client asks."""
        if not self._may_scrape(request):
            return refused("Send this request from the service's own machine, or name it in METRICS_CLIENTS.")
        circle = self._circle()
        observed = await observe(circle, self._data_dir)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(self._registry(circle, observed))
        return Response(body, media_type=content_type, headers={"Cache-Control": "no-store"})

    @property
    def routes(self) -> list[Route]:
        """The route of the metrics."""
        return [Route(PATH, self.__call__)]

    def _registry(self, circle: Circle, observed: Observed) -> CollectorRegistry:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(circle, self._queries, self._traffic, observed))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        return registry

    def _may_scrape(self, request: Request) -> bool:
        address = address_of(request)
        return address is not None and (
            address.is_loopback
            or any(address in network for network in self._clients if network.version == address.version)
        )


class _Families(Collector):
    """The metrics of the service at one scrape."""

    def __init__(
        self, circle: Circle, queries: CompiledQueries, traffic: Traffic, observed: Observed
    ) -> None:
        self._circle = circle
        self._queries = queries
        self._traffic = traffic
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from families.of_commands(self._circle)
        yield from families.of_log(self._circle, self._observed)
        yield from families.of_read_models(self._circle)
        yield from families.of_rebuilds(self._circle)
        yield from families.of_cluster(self._circle)
        yield from families.of_reads(self._circle, self._queries)
        yield from families.of_subscribers(self._traffic)
        yield from families.of_machine(self._circle, self._observed)
