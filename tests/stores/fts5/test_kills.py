"""A service that is killed while it writes leaves an index that catches up with the documents."""

import asyncio
from itertools import count
from pathlib import Path
from random import Random
from signal import SIGKILL
from uuid import uuid4

import httpx
import pytest

from app.cqrs.documents.store import DocumentReader
from app.read_models.product_listing import ProductOrder, product_listing, product_page
from app.stores.fts5.store import open_indexed_store
from app.stores.mongo.store import open_read_store
from tests.schema.client import Client
from tests.service import running
from tests.stores.fts5.answers import answers
from tests.stores.fts5.words import VOCABULARY, product_search

pytestmark = pytest.mark.campaign

KILLS = 2
WRITERS = 4


async def write(client: Client, random: Random, shown: asyncio.Event) -> None:
    """Add products and rename them until the service is gone."""
    for number in count(1):
        sku, name = uuid4().hex[:12], " ".join(random.choices(VOCABULARY, k=3))
        price = {"amount": random.choice(("1.00", "2.50"))}
        added = await client.mutate("addProduct", "", sku=sku, name=name, category="Tea", unitPrice=price)
        product, another = added["receipt"]["events"][0]["subject"], random.choice(VOCABULARY)
        await client.mutate("updateProduct", "", productId=product, name=another)
        if number == 3:
            shown.set()


async def killed_while_it_writes(url: str, database: str, folder: Path, random: Random) -> None:
    """Serve with the index, and kill the service while commands are under way."""
    settings = {"MONGODB_URL": url, "MONGODB_DATABASE": database, "SEARCH_ENGINE": "fts5"}
    async with running(folder, "--no-demo", **settings) as service, httpx.AsyncClient(timeout=20) as http:
        await service.ready()
        shown = asyncio.Event()
        client = Client(service.url, http)
        writing = [asyncio.create_task(write(client, random, shown)) for _ in range(WRITERS)]
        await shown.wait()
        for _ in range(random.randrange(20)):  # some more, so that each kill meets another moment
            await http.get(f"{service.url}/health/ready")
        await service.stop(SIGKILL)
        for each in await asyncio.gather(*writing, return_exceptions=True):
            assert isinstance(each, httpx.TransportError), each


async def found(store: DocumentReader, seed: int) -> list[object]:
    """What some searches find."""
    random = Random(seed)
    searches = [product_search(random) for _ in range(30)]
    searches.append(product_page({}, ProductOrder.NAME, search="tea"))
    return [await answers(store, listing, 50) for listing in searches]


async def test_kills_leave_no_differing_index(mongo_url: str, tmp_path: Path) -> None:
    random, database = Random(17), f"killed-{uuid4().hex[:8]}"
    for _ in range(KILLS):
        await killed_while_it_writes(mongo_url, database, tmp_path, random)
    async with (
        open_read_store(mongo_url, database) as documents,
        open_indexed_store(documents, tmp_path / "search.db") as indexed,
    ):
        await indexed.prepare(product_listing)
        await indexed.checkpoint(product_listing)
        assert await found(indexed, 1) == await found(documents, 1)
        assert not indexed.passed_on
