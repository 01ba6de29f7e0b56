"""`scripts/memory` asks what it says, tried with little of each case."""

from pathlib import Path

import httpx
import pytest

from tests.crowd.measurements import open_shop
from tests.memory.cases import CASES
from tests.memory.page import measured
from tests.service import running

pytestmark = pytest.mark.campaign

TIMES = 3
IN_ALL = {"subscriptions": 40}
"""Items for twenty subscribers."""

MOST = 96_000_000
"""Bytes: one and a half times the budget of answers."""

MOST_NODES, MOST_HEAP = 2_600, 4.5
"""Nodes and megabytes of the page: it has 2,194 and 3.2 once its lists are full, for an hour."""


async def test_every_case_is_answered_and_leaves_little(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, httpx.AsyncClient(timeout=60) as http:
        shop = await open_shop(service.url, service.process.pid, http)
        before = shop.memory()
        for name, case in CASES.items():
            await case.ask(shop, IN_ALL.get(name, TIMES))
        assert shop.memory() - before < MOST


async def test_the_operators_page_stays_as_large_as_it_is_while_events_come() -> None:
    full = await measured(minutes=0.3, rate=50)
    assert max(each.nodes for each in full) < MOST_NODES
    assert full[-1].heap < MOST_HEAP
