"""Searches of the shop front at 16 connections, by two servers in turns.

`python -m tests.bench.searches --against REVISION` measures this revision beside another one, and `--engines`
measures FTS5 beside MongoDB. Both print milliseconds, and the ratio between the two.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from random import Random

import sqlalchemy as sa

from app.domain.catalog.tables import products
from tests.bench.__main__ import opened
from tests.bench.against import NoSuchRevision, checked_out, with_stores_for
from tests.bench.candidates import VARIANTS, Candidate, against, started
from tests.bench.generator import Job
from tests.bench.loading import LoadFailed, load, percentile
from tests.bench.machine import Cores, cores, described
from tests.bench.queries import graphql_request
from tests.bench.shop import Size, made, until_live
from tests.bench.tables import table

CONNECTIONS = 16
SEARCHES = 400
"""Different searches of each kind."""

TEXT = """query Search($search: String!) { products(filter: { search: $search }, first: 20) {
  nodes { id sku name category price { amount } inStock } pageInfo { hasNextPage endCursor } } }"""
UNCACHED = VARIANTS[0]
ENGINES = (
    replace(UNCACHED, name="MongoDB", environment={**UNCACHED.environment, "SEARCH_ENGINE": "mongodb"}),
    replace(UNCACHED, name="FTS5", environment={**UNCACHED.environment, "SEARCH_ENGINE": "fts5"}),
)

Searches = Mapping[str, Sequence[str]]


def searches(store: sa.Engine, seed: int) -> Searches:
    """Texts to search for, by their kind, made of the names and SKUs that there are."""
    with store.connect() as connection:
        rows = connection.execute(sa.select(products.c.name, products.c.sku).order_by(products.c.id)).all()
    return texts_of([(row.name, row.sku) for row in rows], Random(seed))


def texts_of(shown: Sequence[tuple[str, str]], chance: Random) -> Searches:
    """Texts to search for, by their kind, made of names and SKUs."""
    chosen = [chance.choice(shown) for _ in range(SEARCHES)]
    words = [[word for word in name.split() if word.isalpha()] for name, _ in chosen]
    whole = [chance.choice(each) for each in words]
    long = [word for word in whole if len(word) > 5]
    places = [chance.randrange(1, len(word) - 1) for word in long]
    return {
        "a whole word": whole,
        "a beginning": [word[: chance.randint(2, 4)] for word in whole],
        "two words": [" ".join(chance.sample(each, 2)) for each in words if len(each) > 1],
        "an SKU": [sku for _, sku in chosen],
        "a typing error": [
            f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"
            for word, at in zip(long, places, strict=True)
        ],
    }


async def measure(
    size: Size,
    first: Candidate,
    second: Candidate,
    rounds: int,
    seconds: float,
    used: Cores,
    pace: float | None = None,
) -> list[str]:
    """Return a table of both candidates; raise `LoadFailed`. Without a `pace`, nobody pauses."""
    async with AsyncExitStack() as opening:
        own = await opening.enter_async_context(opened(await made(size), used))
        stores = await opening.enter_async_context(with_stores_for(first.checkout, own))
        engine = sa.create_engine(f"sqlite:///{stores.write_store}")
        asked = searches(engine, size.seed)
        engine.dispose()
        servers = {}
        for each in (first, second):
            servers[each] = await opening.enter_async_context(started(each, stores, used))
            await until_live(servers[each].url)
        seen: dict[tuple[str, Candidate], list[float]] = {}
        mixed = {"all in turn": [text for texts in zip(*asked.values(), strict=False) for text in texts]}
        for number in range(rounds):
            print(f"Round {number + 1} of {rounds}", flush=True)
            for kind, texts in {**asked, **mixed}.items():
                requests = [graphql_request(TEXT, {"search": text}) for text in texts]
                for each, server in servers.items():
                    job = Job(
                        port=server.port,
                        connections=CONNECTIONS,
                        seconds=seconds,
                        warm_up=0.5,
                        requests=requests,
                        pace=pace,
                    )
                    seen.setdefault((kind, each), []).extend((await load(job, used)).latencies)
    rows = []
    for kind in {**asked, **mixed}:
        before, now = seen[kind, first], seen[kind, second]
        figures = [1000 * percentile(each, share) for share in (50, 99) for each in (before, now)]
        ratios = [figures[1] / figures[0], figures[3] / figures[2]]
        rows.append([kind, *(f"{each:.1f}" for each in figures), *(f"{each:.2f}" for each in ratios)])
    names = [first.name, second.name]
    heads = [
        "search",
        f"p50 of {names[0]}",
        names[1],
        f"p99 of {names[0]}",
        names[1],
        "ratio of p50",
        "of p99",
    ]
    return table(heads, rows)


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 with a message if it can't be made."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.searches", description=__doc__)
    compared = parser.add_mutually_exclusive_group(required=True)
    compared.add_argument("--against", help="the revision to compare with")
    compared.add_argument("--engines", action="store_true", help="compare the search engines")
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--pace", type=float, help="searches a second; by default as fast as answers come")
    given = parser.parse_args(arguments)
    size = Size(products=given.products, customers=100, orders=100)
    used = cores()
    try:
        with ExitStack() as opening:
            pair = ENGINES
            if given.against:
                checkout = opening.enter_context(checked_out(given.against))
                pair = (against(checkout, given.against)[0], UNCACHED)
            rows = asyncio.run(measure(size, *pair, given.rounds, given.seconds, used, given.pace))
    except (NoSuchRevision, LoadFailed) as error:
        print(error, file=sys.stderr)
        return 1
    asked = f"{given.pace:g} searches a second" if given.pace else "without a pause"
    print("\n".join([f"{size}; {CONNECTIONS} connections, {asked}.", *described(), "", *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
