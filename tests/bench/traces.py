"""What metrics and traces cost: a service that is scraped each second, and traces one operation in a hundred,
beside one without either, in turns.

`python -m tests.bench.traces` prints answers a second, the server's CPU for one, and the ratios, with answers
from memory and with compiled reads. Both services run, and are asked in short turns: a machine that others
use is faster at times, for longer than a turn. The ratio is the median of those of all pairs of turns; the
middle half of them shows how much is noise.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from statistics import median, quantiles

import aiohttp
import sqlalchemy as sa

from tests.bench.__main__ import opened
from tests.bench.candidates import AS_SERVED, VARIANTS, Candidate, Running, started
from tests.bench.generator import Job
from tests.bench.loading import Figures, LoadFailed, figures_of, load
from tests.bench.machine import Cores, cores, described
from tests.bench.queries import QUERIES, variables_for
from tests.bench.reads import FILLING, WARM_UP
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
    size: Size, connections: Sequence[int], rounds: int, pairs: int, seconds: float, used: Cores
) -> list[str]:
    """Return a table; raise `LoadFailed`. Services are started anew in each round."""
    chance, measured = Random(size.seed), Measured()
    async with AsyncExitStack() as opening:
        folder = await made(size)
        stores = {name: await opening.enter_async_context(opened(folder, used)) for name in (OFF, ON)}
        engine = sa.create_engine(f"sqlite:///{stores[OFF].write_store}")
        asked = variables_for(engine, size.seed)
        engine.dispose()
        collector = opening.enter_context(collecting())
        for number in range(rounds):
            for way, off in WAYS.items():
                environment = {**off.environment, **settings(collector.url)}
                on = replace(off, name=f"{off.name}-traced", environment=environment)
                print(f"Round {number + 1} of {rounds}: {way}", flush=True)
                async with AsyncExitStack() as running:
                    servers = {}
                    for name, candidate in chance.sample([(OFF, off), (ON, on)], 2):
                        server = await running.enter_async_context(started(candidate, stores[name], used))
                        await until_live(server.url)
                        servers[name] = server
                    for query in QUERIES:
                        requests = [query.over_graphql(each, "/graphql") for each in asked[query.name]]
                        for many in connections:
                            cell = measured.setdefault((f"{query.name} {way}", many), {OFF: [], ON: []})
                            for pair in range(pairs):
                                for name in chance.sample([OFF, ON], 2):
                                    server = servers[name]
                                    job = Job(
                                        port=server.port,
                                        connections=many,
                                        seconds=seconds,
                                        warm_up=WARM_UP if pair else FILLING,
                                        requests=requests,
                                        watched={"server": server.process, "mongod": stores[name].mongod},
                                    )
                                    cell[name].append(await _loaded(job, server, used, is_scraped=name == ON))
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
        figures = [
            *(f"{median(each.rate for each in some):,.0f}" for some in (off, on)),
            *(f"{median(each.cpu for each in some):,.1f}" for some in (off, on)),
        ]
        both = [*zip(on, off, strict=True)]
        for ratios in (
            [each.rate / other.rate for each, other in both],
            [other.cpu / each.cpu for each, other in both],
        ):
            low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
            figures.append(f"{median(ratios):.3f} ({low:.2f} to {high:.2f})")
        rows.append([asked, str(many), *figures])
    heads = ["query", "connections", "a second, off", "on", "CPU µs, off", "on", "ratio", "by CPU"]
    return table(heads, rows)


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 with a message if it can't be made."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.traces", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--connections", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=7, help="pairs of turns in a round")
    parser.add_argument("--seconds", type=float, default=0.6, help="of a turn")
    given = parser.parse_args(arguments)
    size = replace(Size(), orders=given.orders)
    try:
        rows = asyncio.run(
            measure(size, given.connections, given.rounds, given.pairs, given.seconds, cores())
        )
    except LoadFailed as error:
        print(error, file=sys.stderr)
        return 1
    said = f"{size}; metrics read each {SCRAPED_EVERY:g} s, and {SHARE:.0%} traced."
    print("\n".join([said, *described(), "", *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
