from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop


@pytest.fixture(scope="session")
async def service(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for all tests of the schema; each test works on products and customers of its own."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("service"),
        mongodb_url=mongo_url,
        mongodb_database="schema",
        heartbeat=0.2,
        read_patience=20,  # a busy machine is no failure
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def impatient(mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A service of its own, whose reads give up quickly."""
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, read_patience=0.1
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Client:
    return service.client


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)
