"""`scripts/crowd` measures what it says, tried with a small crowd."""

import httpx
import pytest

from tests.crowd.measurements import fan_out, idle, open_shop, reconnecting
from tests.service import Service

pytestmark = pytest.mark.campaign


async def test_a_small_crowd_is_measured(
    running_service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        shop = await open_shop(running_service.url, running_service.process.pid, http)
        await idle(shop, 110)
        await fan_out(shop, 20, rounds=2)
        await reconnecting(shop, 10, rounds=1, seconds=1)
    told = capsys.readouterr().out
    assert "110 idle subscribers held" in told
    assert told.count("; ratio ") == 2
    assert "10 come back at once" in told
    assert told.count("p99") == 2
