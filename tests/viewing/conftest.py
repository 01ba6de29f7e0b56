from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.viewing.roles import ROLES, SECRET, Books, opened


@pytest.fixture(scope="module")
async def guarded(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service that takes tokens and keeps answers."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = Settings(
        data_dir=folder,
        mongodb_url=mongo_url,
        mongodb_database=folder.name,
        heartbeat=0.2,
        read_cache_mb=32,
        auth_secret=SECRET,
        points_per_minute=0,
        commands_per_minute=0,
    )
    async with serving(settings) as running:
        yield running


@pytest.fixture(scope="module")
async def books(guarded: Service) -> AsyncIterator[Books]:
    """A shop in that service, of which two customers have a part each."""
    async with AsyncExitStack() as clients:
        http = {role: await clients.enter_async_context(httpx.AsyncClient(timeout=90)) for role in ROLES}
        yield await opened(guarded.client.url, http)
