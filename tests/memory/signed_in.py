"""Compares what an answer from memory costs for a signed-in viewer and for one who sends no token, in turns:

python -m tests.memory.signed_in --rounds 15
"""

import argparse
import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import httpx

from app.access.development import development_token
from app.config import Settings
from app.cqrs.viewers import Sight
from tests.crowd.measurements import open_shop
from tests.memory.compare import PRODUCT, cpu, started
from tests.memory.requests import body, send_all


async def _compare(rounds: int, requests: int) -> None:
    async with AsyncExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory())
        settings = Settings(data_dir=Path(data_dir), auth="development")
        token = development_token(settings, settings.data_dir, Sight.STAFF, "ada", hours=1)
        staff = f"Authorization: Bearer {token}"
        process, url = await started(Path(), data_dir, stack, AUTH="development", POINTS_PER_MINUTE="0")
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        http.headers["Authorization"] = staff.partition(" ")[2]
        shop = await open_shop(url, process.pid, http)
        asked = body(PRODUCT, id=shop.product)
        # The last one shows how much of the difference any header of that length makes.
        headers = {"anonymous": "", "staff": staff, "anonymous, another header": staff.replace("A", "X", 1)}
        costs: dict[str, list[float]] = {name: [] for name in headers}
        for turn in range(rounds + 1):
            for name, header in headers.items():
                before = cpu(process)
                assert await send_all(url, (asked for _ in range(requests)), header=header) == requests
                if turn:  # the first one warms up
                    costs[name].append((cpu(process) - before) / requests * 1e6)
    for name, cost in costs.items():
        ratio = median(first / each for first, each in zip(costs["anonymous"], cost, strict=True))
        print(
            f"{name}: {median(cost):.1f} µs of CPU a request ({min(cost):.1f} to {max(cost):.1f}), "
            f"ratio {ratio:.3f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args()
    asyncio.run(_compare(given.rounds, given.requests))
