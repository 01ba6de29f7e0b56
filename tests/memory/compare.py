"""Compares what an answer from memory costs the services of two checkouts, in turns:

python -m tests.memory.compare BEFORE AFTER --rounds 7
"""

import argparse
import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGTERM
from statistics import median

import httpx

from tests.crowd.measurements import open_shop
from tests.memory.requests import body, send_all

PRODUCT = "query ($id: ID!) { product(id: $id) { id name onHand price { amount currencyCode } } }"


async def started(
    checkout: Path, data_dir: str, stack: AsyncExitStack, **settings: str
) -> tuple[Process, str]:
    """Start the service of a checkout; return its process and its URL."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", "0", "--data-dir", data_dir),
        cwd=checkout,
        stdout=PIPE,
        stderr=DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
    )
    stack.push_async_callback(_stop, process)
    assert process.stdout
    async for line in process.stdout:
        if b"health" in line:
            return process, line.decode().split()[1].removesuffix("/health/ready")
    raise AssertionError(f"{checkout} did not start")


async def _stop(process: Process) -> None:
    process.send_signal(SIGTERM)
    await process.communicate()


def cpu(process: Process) -> float:
    """Seconds that the main thread of a process, which answers, has had of a processor."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


async def _compare(checkouts: list[Path], rounds: int, requests: int) -> None:
    costs: list[list[float]] = [[] for _ in checkouts]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        services = []
        for checkout in checkouts:
            data_dir = stack.enter_context(tempfile.TemporaryDirectory())
            process, url = await started(checkout, data_dir, stack)
            shop = await open_shop(url, process.pid, http)
            services.append((process, url, body(PRODUCT, id=shop.product)))
        for turn in range(rounds + 1):
            for (process, url, asked), cost in zip(services, costs, strict=True):
                before = cpu(process)
                assert await send_all(url, (asked for _ in range(requests))) == requests
                if turn:  # the first one warms up
                    cost.append((cpu(process) - before) / requests * 1e6)
    for checkout, cost in zip(checkouts, costs, strict=True):
        print(f"{checkout}: {median(cost):.1f} µs of CPU a request", [round(each, 1) for each in cost])
    print(f"ratio {median(costs[0]) / median(costs[-1]):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs=2, type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args()
    asyncio.run(_compare(given.checkouts, given.rounds, given.requests))
