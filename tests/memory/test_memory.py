"""`scripts/memory` asks what it says, tried with little of each case."""

from pathlib import Path

import httpx
import pytest

from tests.crowd.measurements import open_shop
from tests.memory.cases import CASES
from tests.service import running

pytestmark = pytest.mark.campaign

TIMES = 3
IN_ALL = {"subscriptions": 40}
"""Items for twenty subscribers."""

MOST = 96_000_000
"""Bytes: one and a half times the budget of answers."""


async def test_every_case_is_answered_and_leaves_little(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, httpx.AsyncClient(timeout=60) as http:
        shop = await open_shop(service.url, service.process.pid, http)
        before = shop.memory()
        for name, case in CASES.items():
            await case.ask(shop, IN_ALL.get(name, TIMES))
        assert shop.memory() - before < MOST
