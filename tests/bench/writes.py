"""The write side: orders a second, through GraphQL, with all that follows from them in the same process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from app.config import Settings
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.viewers import OPEN
from app.demo.filling import fill
from app.demo.plan import Shop
from app.domain.catalog.events import ProductAdded
from app.domain.customers.events import CustomerRegistered
from app.domain.stock.commands import ReceiveStock
from app.halves.commanding import WriteSide, open_write_side
from app.values import MOST_UNITS
from schema.circle.ids import global_id, key_of
from tests.bench.against import lend
from tests.bench.candidates import Candidate, Stores, started
from tests.bench.commands import Known, orders
from tests.bench.generator import Job
from tests.bench.loading import Figures, figures_of, load
from tests.bench.machine import Cores, pin
from tests.bench.shop import until_live
from tests.postgres import postgres

PRODUCTS, CUSTOMERS = 200, 100
CLIENTS = (1, 16)
WARM_UP = 1.0
REQUESTS = 2_000


@dataclass(frozen=True, kw_only=True)
class Writes:
    """Orders a second on one database."""

    candidate: str
    database: str
    clients: int
    rounds: Sequence[Figures]


async def measure_writes(
    candidates: Sequence[Candidate], stores: Stores, rounds: int, seconds: float, cores: Cores
) -> list[Writes]:
    """On a small shop with full shelves, on SQLite and on PostgreSQL, taking turns."""
    measured: dict[tuple[str, str, int], list[Figures]] = {}
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as temporary:
        async with postgres(durable=True) as server:
            assert server.process
            pin(server.process.pid, cores.others)
            for round_, (number, candidate) in product(range(1, rounds + 1), enumerate(candidates)):
                name = f"{round_}_{number}"
                urls = {
                    "SQLite": f"sqlite+aiosqlite:///{temporary}/{name}.db",
                    "PostgreSQL": await server.database(),
                }
                for database, url in urls.items():
                    print(f"Orders, round {round_} of {rounds}: {candidate.name} on {database}", flush=True)
                    here = replace(
                        stores,
                        folder=Path(temporary),
                        database=f"writes_{database.lower()}_{name}",
                        other=None,
                    )
                    on_it = replace(candidate, environment={**candidate.environment, "DATABASE_URL": url})
                    known = await _filled(url)
                    if candidate.checkout:
                        await lend(url, candidate.checkout)
                    async with _running(on_it, here, cores) as (port, process):
                        for clients in CLIENTS:
                            job = Job(
                                port=port,
                                connections=clients,
                                seconds=seconds,
                                warm_up=WARM_UP,
                                requests=orders(known, Random(round_), REQUESTS),
                                watched={"server": process, "mongod": stores.mongod},
                            )
                            figures = figures_of(await load(job, cores))
                            measured.setdefault((candidate.name, database, clients), []).append(figures)
    return [
        Writes(candidate=name, database=database, clients=clients, rounds=rounds_)
        for (name, database, clients), rounds_ in sorted(measured.items(), key=lambda each: each[0][1:])
    ]


@asynccontextmanager
async def _running(candidate: Candidate, stores: Stores, cores: Cores) -> AsyncIterator[tuple[int, int]]:
    async with started(candidate, stores, cores) as server:
        await until_live(server.url)
        yield server.port, server.process


async def fill_shelves(settings: Settings, known: Known) -> None:
    """Deliver so many units of each product that no order is refused."""
    async with open_write_side(settings) as write_side:
        for product in known.products:
            delivery = ReceiveStock(product_id=key_of("Product", product), quantity=MOST_UNITS)
            assert isinstance(await write_side.commands.execute(delivery, viewer=OPEN), Receipt)


async def _filled(url: str) -> Known:
    async with open_write_side(Settings(database_url=url)) as write_side:
        await fill(Shop(products=PRODUCTS, customers=CUSTOMERS, orders=0), write_side.commands)
        return await _known(write_side)


async def _known(write_side: WriteSide) -> Known:
    events = [recorded.event for recorded in await write_side.log.read(after=0, limit=10_000)]
    added = [event.product_id for event in events if isinstance(event, ProductAdded)]
    buyers = [event.customer_id for event in events if isinstance(event, CustomerRegistered)]
    for id in added:
        delivery = ReceiveStock(product_id=id, quantity=MOST_UNITS)
        assert isinstance(await write_side.commands.execute(delivery, viewer=OPEN), Receipt)
    return Known([global_id("Product", id) for id in added], [global_id("Customer", id) for id in buyers])
