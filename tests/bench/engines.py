"""Searches by both search engines, in turns in one process, without HTTP and GraphQL.

`python -m tests.bench.engines --products 200000` writes the documents of the demo shop's products straight
into MongoDB, builds the index from them, and prints milliseconds, CPU and ratios for 16 searches at a time.
"""

import argparse
import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from uuid import UUID

from motor.motor_asyncio import AsyncIOMotorClient

import app.declared  # noqa: F401 - it registers the events, on which the names of collections depend
from app.cqrs.documents.read_model import Document
from app.cqrs.documents.store import DocumentReader
from app.cqrs.reading.pages import PageArguments
from app.cqrs.unavailable import ReadStoreUnavailable
from app.demo.plan import Known, Shop
from app.domain.catalog.commands import AddProduct
from app.domain.catalog.events import ProductAdded
from app.read_models.product_listing import ProductOrder, product_listing, product_page, products
from app.stores.fts5.store import open_indexed_store
from app.stores.mongo.codec import CODEC
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.store import open_read_store
from app.stores.mongo.writes.indexes import indexes_of
from app.values import Money, sku
from tests.bench.loading import percentile
from tests.bench.machine import described, spent_by
from tests.bench.searches import CONNECTIONS, texts_of
from tests.bench.tables import table
from tests.read_models.searching import reading
from tests.read_models.shop import History

DATABASE = "engines"
FIELDS = ("sku", "name", "category", "price.amount", "in_stock")
TOGETHER = 2_000
"""Documents in one insert."""


def documents(count: int) -> Iterator[Document]:
    """So many products, as the read model projects them."""
    history = History()
    for number, step in enumerate(itertools.islice(Shop(products=count, customers=0, orders=0).plan, count)):
        command = step.command(Known())
        assert isinstance(command, AddProduct)
        event = ProductAdded(
            product_id=UUID(int=number + 1),
            sku=sku(command.sku),
            name=command.name,
            category=command.category,
            description=command.description,
            packaging=command.packaging,
            unit_price=Money(command.unit_price),
        )
        [recorded] = history.record(event)
        [change] = product_listing.changes(recorded)
        yield {"_id": change.id, **(change.document or {}), "position": recorded.position}


async def fill(url: str, count: int) -> list[tuple[str, str]]:
    """Write the documents with their checkpoint; return the names and SKUs."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url)
    collection = client.get_database(DATABASE, codec_options=CODEC)[products.stored_as]
    written, shown = documents(count), list[tuple[str, str]]()
    while some := list(itertools.islice(written, TOGETHER)):
        await collection.insert_many(some, ordered=False)
        shown += [(each["name"], each["sku"]) for each in some]
    for keys in indexes_of(products):  # The store's own calls would time out.
        await collection.create_index(keys)
    checkpoint = {"_id": product_listing.key, "position": count, "types": dict(product_listing.types)}
    await client[DATABASE]["checkpoints"].insert_one(checkpoint)
    client.close()
    return shown


async def search(store: DocumentReader, text: str, given_up: Counter[str] | None = None) -> float:
    """Return the seconds of one search for a page of 20 products; count one that is given up."""
    began = perf_counter()
    listing = product_page({}, ProductOrder.RELEVANCE, search=text)
    try:
        await reading(store, product_listing.name).page(listing, PageArguments(first=20), fields=FIELDS)
    except ReadStoreUnavailable:
        if given_up is None:
            raise
        given_up[text] += 1
    return perf_counter() - began


async def load(
    store: DocumentReader, texts: Sequence[str], seconds: float, given_up: Counter[str] | None = None
) -> list[float]:
    """Return the seconds of each search, with `CONNECTIONS` of them at a time."""
    seen, until, endless = list[float](), perf_counter() + seconds, itertools.cycle(texts)

    async def one_after_another() -> None:
        while perf_counter() < until:
            seen.append(await search(store, next(endless), given_up))

    await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))
    return seen


async def measure(count: int, rounds: int, seconds: float, seed: int) -> list[str]:
    """Return a table of both engines."""
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        async with embedded_mongod(Path(folder)) as mongod, open_read_store(mongod.url, DATABASE) as mongo:
            began = perf_counter()
            asked = texts_of(await fill(mongod.url, count), Random(seed))
            await mongo.prepare(product_listing)
            print(f"{perf_counter() - began:.0f} s for MongoDB's documents and indexes", flush=True)
            async with open_indexed_store(mongo, Path(folder) / "search.db") as fts5:
                began = perf_counter()
                await fts5.checkpoint(product_listing)
                print(f"{perf_counter() - began:.0f} s for the index of FTS5", flush=True)
                rows = []
                for kind, texts in asked.items():
                    stores = (mongo, fts5)
                    rows.append(await measure_kind(kind, texts, stores, mongod.process.pid, rounds, seconds))
                    print(*rows[-1], flush=True)  # A later kind may be too much for a machine.
                assert not fts5.passed_on
    heads = [
        "search",
        *(f"{figure} of {name}" for figure in ("p50", "p99", "CPU") for name in ("MongoDB", "FTS5")),
    ]
    return table([*heads, "ratio of p50", "of p99", "of CPU"], rows)


async def measure_kind(
    kind: str,
    texts: Sequence[str],
    stores: Sequence[DocumentReader],
    mongod: int,
    rounds: int,
    seconds: float,
) -> list[str]:
    """Return the row of one kind of search: milliseconds, of CPU those of this process and mongod."""
    seen: Mapping[DocumentReader, list[float]] = {each: [] for each in stores}
    cpu = dict.fromkeys(stores, 0.0)
    given_up = Counter[str]()
    for store in stores:
        await load(store, texts, seconds / 4, given_up)
    for _ in range(rounds):
        for store in stores:
            before = process_time() + spent_by(mongod).cpu
            seen[store] += await load(store, texts, seconds, given_up)
            cpu[store] += process_time() + spent_by(mongod).cpu - before
    if given_up:
        print(f"given up, as no answer came in time: {given_up.most_common(10)}", flush=True)
    pairs = [[1000 * percentile(seen[store], share) for store in stores] for share in (50, 99)]
    pairs.append([1000 * cpu[store] / len(seen[store]) for store in stores])
    figures = [f"{each:.2f}" for pair in pairs for each in pair]
    return [kind, *figures, *(f"{second / first:.2f}" for first, second in pairs)]


def main(arguments: Sequence[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engines", description=__doc__)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    rows = asyncio.run(measure(given.products, given.rounds, given.seconds, given.seed))
    head = f"{given.products:,} products, {CONNECTIONS} searches at a time, {given.rounds} rounds."
    print("\n".join([head, *described(), "", *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
