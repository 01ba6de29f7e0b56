from collections.abc import AsyncIterator

import pytest

from app.cqrs.commands import lane
from tests.domain.shop import Shop, open_shop


@pytest.fixture
async def shop(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A shop that refuses no command because too many wait, however busy the machine is."""
    monkeypatch.setattr(lane, "LONGEST_QUEUE", 60)
    async with open_shop(database_url) as shop:
        yield shop
