"""`scripts/crowd`: starts the service and measures it; this process is the load."""

import argparse
import asyncio
import resource
import tempfile
from pathlib import Path

import httpx

from tests.crowd.measurements import fan_out, idle, open_shop, reconnecting
from tests.service import running


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/crowd", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000, help="who are sent each change")
    parser.add_argument("--rounds", type=int, default=15, help="changes that are timed")
    parser.add_argument("--idle", type=int, default=5000, help="who wait for a change")
    parser.add_argument("--returning", type=int, default=500, help="who come back at once")
    return parser.parse_args()


async def _measure(arguments: argparse.Namespace) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as service, httpx.AsyncClient(timeout=60) as http:
            await service.ready()
            shop = await open_shop(service.url, service.process.pid, http)
            await idle(shop, arguments.idle)  # first: later on there is memory to use again
            await fan_out(shop, arguments.subscribers, arguments.rounds)
            await reconnecting(shop, arguments.returning, rounds=3)


if __name__ == "__main__":
    asyncio.run(_measure(_arguments()))
