from collections.abc import AsyncIterator

import pytest

from app.config import Settings
from tests.graphql.compiled.shop import Quiet, quiet_shop


@pytest.fixture(scope="session")
async def quiet(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quiet]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("quiet"), mongodb_url=mongo_url, mongodb_database="compiled"
    )
    async with quiet_shop(settings) as shop:
        yield shop
