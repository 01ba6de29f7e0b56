"""What metrics and traces cost: a service that is scraped each second, and traces one operation in a hundred,
beside one without either, in turns.

`python -m tests.bench.traces` prints answers a second, the server's CPU for one, and the ratios, with answers
from memory and with compiled reads.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from statistics import median

import aiohttp
import sqlalchemy as sa

from tests.bench.__main__ import opened
from tests.bench.candidates import AS_SERVED, VARIANTS, Candidate, Running, started
from tests.bench.generator import Job
from tests.bench.loading import Figures, LoadFailed, figures_of, load
from tests.bench.machine import Cores, cores, described
from tests.bench.queries import QUERIES, variables_for
from tests.bench.reads import FILLING
from tests.bench.shop import Size, made, until_live
from tests.bench.tables import table
from tests.tracing.collector import collecting

SHARE = 0.01
"""The share of operations that are traced."""

SCRAPED_EVERY = 1.0
"""Seconds between two scrapes of the metrics."""

OFF, ON = "off", "on"
WAYS: Mapping[str, Candidate] = {"from memory": AS_SERVED, "compiled": VARIANTS[0]}

Measured = dict[tuple[str, int], dict[str, list[Figures]]]
"""By what is asked and connections: the figures of each round, by server."""


def settings(collector: str) -> dict[str, str]:
    """The settings of the service that traces."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": f"{SHARE}",
    }


async def measure(
    size: Size, connections: Sequence[int], rounds: int, seconds: float, used: Cores
) -> list[str]:
    """Return a table; raise `LoadFailed`."""
    chance, measured = Random(size.seed), Measured()
    async with AsyncExitStack() as opening:
        stores = await opening.enter_async_context(opened(await made(size), used))
        engine = sa.create_engine(f"sqlite:///{stores.write_store}")
        asked = variables_for(engine, size.seed)
        engine.dispose()
        collector = opening.enter_context(collecting())
        for number in range(rounds):
            for way, off in WAYS.items():
                environment = {**off.environment, **settings(collector.url)}
                on = replace(off, name=f"{off.name}-traced", environment=environment)
                for name, candidate in chance.sample([(OFF, off), (ON, on)], 2):
                    print(f"Round {number + 1} of {rounds}: {way}, {name}", flush=True)
                    async with started(candidate, stores, used) as server:
                        await until_live(server.url)
                        for query in QUERIES:
                            requests = [query.over_graphql(each, "/graphql") for each in asked[query.name]]
                            for many in connections:
                                job = Job(
                                    port=server.port,
                                    connections=many,
                                    seconds=seconds,
                                    warm_up=FILLING,
                                    requests=requests,
                                    watched={"server": server.process, "mongod": stores.mongod},
                                )
                                figures = await _loaded(job, server, used, is_scraped=name == ON)
                                cell = measured.setdefault((f"{query.name} {way}", many), {})
                                cell.setdefault(name, []).append(figures)
        if not collector.spans:
            raise LoadFailed("No span has come to the collector: nothing was traced.")
        print(f"{len(collector.spans)} spans have come to the collector.")
    return _table(measured)


async def _loaded(job: Job, server: Running, used: Cores, *, is_scraped: bool) -> Figures:
    scraping = asyncio.create_task(_scrape(server.url)) if is_scraped else None
    try:
        return figures_of(await load(job, used))
    finally:
        if scraping:
            scraping.cancel()


async def _scrape(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{url}/metrics") as answer:
                answer.raise_for_status()
                await answer.read()
            await asyncio.sleep(SCRAPED_EVERY)


def _table(measured: Measured) -> list[str]:
    rows = []
    for (asked, many), by_name in measured.items():
        off, on = by_name[OFF], by_name[ON]
        rate = median(each.rate / other.rate for each, other in zip(on, off, strict=True))
        cpu = median(other.cpu / each.cpu for each, other in zip(on, off, strict=True))
        figures = [
            *(f"{median(each.rate for each in some):,.0f}" for some in (off, on)),
            *(f"{median(each.cpu for each in some):,.1f}" for some in (off, on)),
        ]
        rows.append([asked, str(many), *figures, f"{rate:.3f}", f"{cpu:.3f}"])
    heads = ["query", "connections", "a second, off", "on", "CPU µs, off", "on", "ratio", "by CPU"]
    return table(heads, rows)


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 with a message if it can't be made."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.traces", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--connections", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args(arguments)
    size = replace(Size(), orders=given.orders)
    try:
        rows = asyncio.run(measure(size, given.connections, given.rounds, given.seconds, cores()))
    except LoadFailed as error:
        print(error, file=sys.stderr)
        return 1
    said = f"{size}; metrics read each {SCRAPED_EVERY:g} s, and {SHARE:.0%} traced."
    print("\n".join([said, *described(), "", *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
