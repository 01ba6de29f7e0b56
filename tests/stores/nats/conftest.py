from collections.abc import AsyncIterator

import pytest

from app.stores.sql.engines.opening import open_database
from tests.nats import NatsServer, nats_server
from tests.stores.nats.pages import Log


@pytest.fixture(scope="session")
async def nats() -> AsyncIterator[NatsServer]:
    """A server for all tests that do it no harm; each uses a database name of its own."""
    async with nats_server() as server:
        yield server


@pytest.fixture
async def own_nats() -> AsyncIterator[NatsServer]:
    """A server to be killed."""
    async with nats_server() as server:
        yield server


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    """An empty log in each kind of database."""
    async with open_database(database_url) as engines:
        yield Log(engines)
