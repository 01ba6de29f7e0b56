"""`scripts/memory`: starts a service for each case, and tells by how much its memory grew."""

import argparse
import asyncio
import resource
import tempfile
from pathlib import Path
from time import perf_counter

import httpx

from tests.crowd.measurements import open_shop
from tests.memory.cases import CASES, variables
from tests.service import running

AT_REST = 300
"""Requests that are answered first, so that what a service loads on its first requests is not counted."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/memory", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="the cases; all by default")
    parser.add_argument("--times", type=int, help="how often, in place of each case's own number")
    return parser.parse_args()


async def _measure(name: str, times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as service, httpx.AsyncClient(timeout=60) as http:
            await service.ready()
            shop = await open_shop(service.url, service.process.pid, http)
            await variables(shop, AT_REST)
            before, began = shop.memory(), perf_counter()
            await CASES[name].ask(shop, times)
            grown, took = shop.memory() - before, perf_counter() - began
    each = f", {grown / times / 1e3:.1f} kB each" if name in ("subscriptions", "sockets") else ""
    print(f"{name:14} {times:6,} times in {took:5.1f} s: {grown / 1e6:+8.1f} MB{each}", flush=True)


async def _main(arguments: argparse.Namespace) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in arguments.cases or CASES:
        await _measure(name, arguments.times or CASES[name].times)


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
