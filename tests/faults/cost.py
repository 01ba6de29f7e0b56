"""What positions in commit order cost on PostgreSQL, against no protection: `python -m tests.faults.cost`.

Without protection, positions come from a sequence: nobody waits, and a reader that goes on from the last
position that it saw loses what commits later with a lower one.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from statistics import median
from time import monotonic
from uuid import UUID

from sqlalchemy import text

from app.cqrs.commands.aggregates import stream
from app.domain.stock.events import StockReceived
from app.stores.sql import write_store
from app.stores.sql.codec import Newest
from app.stores.sql.transactions import SqlWork, events
from tests.domain.shop import Shop, cause, open_shop
from tests.domain.wanted import order
from tests.postgres import Postgres, postgres

PRODUCTS = 60
"""And as many customers."""
MOST_EVENTS = 10
"""Of one command, so that each has positions of its own."""

Act = Callable[[Shop, Random], Awaitable[object]]
"""What a client does over and over."""


class UnprotectedWork(SqlWork):
    """Draws its positions from a sequence."""

    async def take_positions(self) -> Newest:
        draw = text("SELECT nextval('unprotected')")
        return Newest(int((await self.rows.execute(draw)).scalar_one()) * MOST_EVENTS - 1, None)


class Follower:
    """Reads on from the last position that it saw."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._last = 0
        self.seen = 0

    async def follow(self, end: asyncio.Event) -> None:
        """Reads until it is told the end and nothing is left."""
        while True:
            ended = end.is_set()
            events = await self._shop.store.read(after=self._last, limit=500)
            if events:
                self.seen, self._last = self.seen + len(events), events[-1].position
            elif ended:
                return
            else:
                await asyncio.sleep(0.002)


async def appending(_shop: Shop) -> Act:
    """One event and nothing else: the most that the order of commits can cost."""

    async def append(shop: Shop, chance: Random) -> None:
        async with shop.store.begin(cause()) as work:
            id = UUID(int=chance.getrandbits(128))
            received = StockReceived(product_id=id, quantity=1, on_hand=1, reserved=0)
            work.record(stream("stock", id), 0, [received])
            await work.commit("")

    return append


async def ordering(shop: Shop) -> Act:
    """Orders with three lines."""
    products = [await shop.product(on_hand=1_000_000) for _ in range(PRODUCTS)]
    buyers = [await shop.customer() for _ in range(PRODUCTS)]

    async def place_order(shop: Shop, chance: Random) -> None:
        await shop.accept(
            order(chance.choice(buyers), *((product, 1) for product in chance.sample(products, 3)))
        )

    return place_order


@asynccontextmanager
async def shop_of(server: Postgres, *, protected: bool) -> AsyncIterator[Shop]:
    async with open_shop(await server.database()) as shop:
        async with shop.engines.writing.begin() as connection:
            await connection.execute(text("CREATE SEQUENCE unprotected"))
        vars(write_store)["SqlWork"] = SqlWork if protected else UnprotectedWork
        yield shop


async def measure(shop: Shop, act: Act, clients: int, seconds: float) -> tuple[float, float]:
    """Commits a second, and the share of the events that a follower has lost."""
    follower, end = Follower(shop), asyncio.Event()
    following = asyncio.create_task(follower.follow(end))
    began, done = monotonic(), 0

    async def go_on(chance: Random) -> None:
        nonlocal done
        while monotonic() < began + seconds:
            await act(shop, chance)
            done += 1

    await asyncio.gather(*(go_on(Random(client)) for client in range(clients)))
    rate = done / (monotonic() - began)
    end.set()
    await following
    return rate, 1 - follower.seen / await shop.count(events)


async def main() -> None:
    """Prints a table of commits a second, and how many of the events a reader has lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    print("| what | clients | in commit order | no protection | ratio | lost | lost without |")
    print("|---|---|---|---|---|---|---|")
    async with postgres(durable=True) as server:
        for acting in (appending, ordering):
            for clients in (1, 16):
                found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
                for _ in range(options.rounds):
                    for protected in (True, False):
                        async with shop_of(server, protected=protected) as shop:
                            measured = await measure(shop, await acting(shop), clients, options.seconds)
                        found[protected].append(measured)
                ratio = median(with_[0] / without[0] for with_, without in zip(*found.values(), strict=True))
                (rate, loss), (free, losing) = (map(median, zip(*found[each], strict=True)) for each in found)
                print(
                    f"| {acting.__name__} | {clients} | {rate:.0f}/s | {free:.0f}/s | {ratio:.2f} "
                    f"| {loss:.1%} | {losing:.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    asyncio.run(main())
