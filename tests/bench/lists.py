"""The time of an import: products added by lists of commands, and one by one, in the same run.

python -m tests.bench.lists --products 10000

Each way adds as many products of its own to the same service. The ways take turns in several rounds, so that
the log and the catalog are as long for each; the ratios are those of the summed times.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.bench.machine import described
from tests.bench.shop import until_live
from tests.bench.tables import table
from tests.memory.requests import body, send_all
from tests.postgres import postgres
from tests.service import running

SINGLE = """mutation ($input: AddProductInput!) { addProduct(input: $input) {
  receipt { token } errors { message } } }"""
LIST = """mutation ($input: SendCommandsInput!) { sendCommands(input: $input) {
  token results { receipt { token } } errors { message } } }"""

ROUNDS = 5

_numbers = count(1)


def products(number: int) -> list[dict[str, object]]:
    """Inputs of products that are not there yet."""
    return [
        {
            "sku": f"B-{each}",
            "name": f"Thing {each}",
            "category": f"Things {each % 40}",
            "unitPrice": {"amount": "12.50"},
            "description": "A thing that somebody wants.",
            "packaging": "One in a box",
        }
        for each, _ in zip(_numbers, range(number), strict=False)
    ]


def singles(number: int) -> Iterator[bytes]:
    """A mutation for each product."""
    return (body(SINGLE, input=each) for each in products(number))


def lists(number: int, length: int, *, atomic: bool = False) -> Iterator[bytes]:
    """Mutations with lists of products."""
    commands = [{"addProduct": each} for each in products(number)]
    for start in range(0, number, length):
        yield body(LIST, input={"commands": commands[start : start + length], "atomic": atomic})


WAYS = {
    "one by one, 1 client": (1, singles),
    "one by one, 16 clients": (16, singles),
    "lists of 50, 1 client": (1, lambda number: lists(number, 50)),
    "lists of 500, 1 client": (1, lambda number: lists(number, 500)),
    "atomic lists of 500, 1 client": (1, lambda number: lists(number, 500, atomic=True)),
}
"""The number of connections, and the requests."""


async def measure(url: str, number: int) -> dict[str, float]:
    """Return the seconds of each way to add so many products."""
    seconds = dict.fromkeys(WAYS, 0.0)
    for connections, requests in WAYS.values():  # Operations are compiled at their second request.
        await send_all(url, requests(2 * connections), connections=connections)
    for _ in range(ROUNDS):
        for name, (connections, requests) in WAYS.items():
            bodies = list(requests(number // ROUNDS))
            began = monotonic()
            answered = await send_all(url, bodies, connections=connections)
            seconds[name] += monotonic() - began
            assert answered == len(bodies), name
            await until_live(url)
    return seconds


def report(seconds: dict[str, float], number: int) -> list[str]:
    """A line for each way: the time, and what the ways of single mutations take in multiples of it."""
    one, sixteen, *_ = seconds.values()
    return table(
        [f"{number:,} products", "seconds", "1 client takes", "16 clients take"],
        [
            [name, f"{taken:.1f}", f"{one / taken:.1f} times as long", f"{sixteen / taken:.1f} times as long"]
            for name, taken in seconds.items()
        ],
    )


async def main(number: int, databases: Sequence[str]) -> None:
    """Measure on each database."""
    print(*described(), sep="\n")
    for database in databases:
        with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
            if database == "SQLite":
                async with running(Path(folder), "--no-demo") as service:
                    seconds = await measure(service.url, number)
            else:
                async with postgres(durable=True) as server:
                    url = await server.database()
                    async with running(Path(folder), "--no-demo", DATABASE_URL=url) as service:
                        seconds = await measure(service.url, number)
        print("", f"### {database}", "", *report(seconds, number), sep="\n", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--products", type=int, default=10_000, help="products for each way")
    arguments.add_argument(
        "--databases", nargs="+", choices=["SQLite", "PostgreSQL"], default=["SQLite", "PostgreSQL"]
    )
    given = arguments.parse_args()
    asyncio.run(main(given.products, given.databases))
