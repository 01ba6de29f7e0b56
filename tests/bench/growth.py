"""Growth: what a shop with more and more orders costs, measured on a shop of each size, one after another."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic

import sqlalchemy as sa

from app.config import Settings
from tests.bench.__main__ import opened
from tests.bench.candidates import VARIANTS, Stores, started
from tests.bench.commands import Known, orders
from tests.bench.generator import Job
from tests.bench.loading import LoadFailed, figures_of, load
from tests.bench.machine import Cores, cores, described, spent_by
from tests.bench.queries import QUERIES, variables_for
from tests.bench.shop import Size, made, until_live
from tests.bench.tables import table
from tests.bench.writes import fill_shelves

SIZES = (20_000, 100_000, 1_000_000)
"""Orders; the largest shop takes more than an hour to make, once."""

UNCACHED = VARIANTS[0]
WARM_UP = 0.5
ORDERS = 2_000


@dataclass(frozen=True, kw_only=True)
class Grown:
    """What a shop of one size costs."""

    orders: int
    start: float
    """Seconds from the start of the process until all read models are live, with what was delivered."""
    memory: int
    mongod_memory: int
    """Bytes that are resident after the requests."""
    medians: Sequence[float]
    """Milliseconds: the three queries and `placeOrder`, each over one connection."""


async def measure_growth(sizes: Sequence[Size], seconds: float, used: Cores) -> list[Grown]:
    """Measure shops of these sizes, each made first if it is not there; raise `LoadFailed`."""
    grown = []
    for size in sizes:
        async with opened(await made(size), used) as stores:
            print(f"Measuring {size}", flush=True)
            grown.append(await _measured(size, stores, seconds, used))
    return grown


async def _measured(size: Size, stores: Stores, seconds: float, used: Cores) -> Grown:
    engine = sa.create_engine(f"sqlite:///{stores.write_store}")
    known, asked = Known.of(engine), variables_for(engine, size.seed)
    engine.dispose()
    await fill_shelves(Settings(database_url=f"sqlite+aiosqlite:///{stores.write_store}"), known)
    requests = [[query.over_graphql(each) for each in asked[query.name]] for query in QUERIES]
    requests.append(orders(known, Random(size.seed), ORDERS))
    began = monotonic()
    async with started(UNCACHED, stores, used) as server:
        await until_live(server.url)
        start, medians = monotonic() - began, []
        for each in requests:
            job = Job(port=server.port, connections=1, seconds=seconds, warm_up=WARM_UP, requests=each)
            medians.append(figures_of(await load(job, used)).p50)
        return Grown(
            orders=size.orders,
            start=start,
            memory=spent_by(server.process).memory,
            mongod_memory=spent_by(stores.mongod).memory,
            medians=medians,
        )


def growth_table(grown: Sequence[Grown]) -> list[str]:
    """A line for each size."""
    head = ["orders", *(f"{query.name}, p50, ms" for query in QUERIES), "`placeOrder`, p50, ms"]
    return table(
        [*head, "start, s", "memory, MB", "mongod's, MB"],
        [
            [
                f"{each.orders:,}",
                *(f"{median:.2f}" for median in each.medians),
                f"{each.start:.1f}",
                f"{each.memory / 1e6:.0f}",
                f"{each.mongod_memory / 1e6:.0f}",
            ]
            for each in grown
        ],
    )


def main() -> int:
    """Read the arguments, measure the sizes, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--orders", nargs="+", type=_orders, default=SIZES, metavar="N", help="the sizes")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each request is measured (3)")
    wanted = parser.parse_args()
    sizes = [Size(orders=number) for number in sorted(wanted.orders)]
    try:
        grown = asyncio.run(measure_growth(sizes, wanted.seconds, cores()))
    except LoadFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print("\n".join(["", *described(), "", *growth_table(grown)]))
    return 0


def _orders(text: str) -> int:
    if not text.isdecimal() or int(text) < SIZES[0]:
        raise argparse.ArgumentTypeError(
            f"must be {SIZES[0]} or more, not {text}: the third query is about customers with 20 orders"
        )
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
