from collections.abc import AsyncIterator, Iterator

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.tracing.collector import Collector, collecting


@pytest.fixture(scope="package", autouse=True)
def sent_soon() -> Iterator[None]:
    """Spans are sent after 20 ms, and not after 5 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        yield


@pytest.fixture(scope="package")
async def collector() -> AsyncIterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="package")
async def traced(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> AsyncIterator[Service]:
    """A service on SQLite that sends its traces, and traces what its callers do."""
    folder = tmp_path_factory.mktemp("traced")
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        read_cache_mb=8,
        otel_exporter_otlp_endpoint=collector.url,
        otel_service_name="shop",
        otel_traces_sampler="parentbased_always_off",
    )
    async with serving(settings) as service:
        yield service


@pytest.fixture
def client(traced: Service) -> Client:
    return traced.client


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)
