"""Stores to back up, and what a restored one must be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.config import Settings
from tests.faults.checks.books import open_books
from tests.faults.checks.rows import check_rows
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

ASK = """query ($atLeast: [ConsistencyToken!]) { orders(atLeast: $atLeast) { totalCount }
    freshness { readModel state position head } }"""


def but(settings: Settings, **changes: object) -> Settings:
    """Return the settings with some others: a copy would keep what was derived from the former ones."""
    return Settings(**{**settings.model_dump(exclude_unset=True), **changes})


@asynccontextmanager
async def busy(service: Service, *, before: int = 3) -> AsyncIterator[None]:
    """Orders are placed all the time until the block ends, and some of them before it begins."""
    shop, placed, is_over = Shop(service.client), asyncio.Semaphore(0), False

    async def order_on() -> None:
        product, customer = await shop.product(stock=1_000_000), await shop.customer()
        while not is_over:
            await shop.order(customer=customer, product=product)
            placed.release()

    buyers = [asyncio.create_task(order_on()) for _ in range(3)]
    for _ in range(before):
        await placed.acquire()
    yield
    is_over = True
    await asyncio.gather(*buyers)


async def until_caught_up(service: Service) -> None:
    head = await service.circle.log.head()
    for progress in service.circle.progress.values():
        await progress.wait_for(head, 60)


async def shop_with_orders(settings: Settings) -> str:
    """Fill the stores with a few orders; return the token of the newest."""
    async with serving(settings) as service:
        shop = Shop(service.client)
        product = await shop.product(stock=10)
        for _ in range(2):
            await shop.order(product=product)
        await until_caught_up(service)
        return service.client.seen


async def refuse_wrong_rows(settings: Settings, head: int) -> None:
    """The log ends there and has no gaps, and the rows are what its events make them."""
    books = await open_books(str(settings.database_url), settings.keys_url)
    assert books.head == head
    assert list(check_rows(books)) == []


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
