"""The write side: orders a second, through GraphQL, with all that follows from them in the same process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp

from app.config import Settings
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.viewers import OPEN
from app.domain.stock.commands import ReceiveStock
from app.halves.commanding import open_write_side
from app.values import MOST_UNITS
from schema.circle.ids import key_of
from tests.bench.candidates import Candidate, Running, Stores, started
from tests.bench.commands import Known, orders
from tests.bench.generator import Job
from tests.bench.loading import Figures, figures_of, load
from tests.bench.machine import Cores, pin
from tests.bench.shop import until_live
from tests.postgres import postgres

PRODUCTS, CUSTOMERS = 200, 100
CLIENTS = (1, 16)

_MADE = "mutation Make($input: {type}!) {{ {name}(input: $input) {{ {kind} {{ id }} errors {{ code }} }} }}"
ADD_PRODUCT = _MADE.format(type="AddProductInput", name="addProduct", kind="product")
REGISTER = _MADE.format(type="RegisterCustomerInput", name="registerCustomer", kind="customer")
FILL_SHELF = _MADE.format(type="ReceiveStockInput", name="receiveStock", kind="product")
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
                    async with _running(on_it, here, cores) as service:
                        known = await _filled(service.url)
                        for clients in CLIENTS:
                            job = Job(
                                port=service.port,
                                connections=clients,
                                seconds=seconds,
                                warm_up=WARM_UP,
                                requests=orders(known, Random(round_), REQUESTS),
                                watched={"server": service.process, "mongod": stores.mongod},
                            )
                            figures = figures_of(await load(job, cores))
                            measured.setdefault((candidate.name, database, clients), []).append(figures)
    return [
        Writes(candidate=name, database=database, clients=clients, rounds=rounds_)
        for (name, database, clients), rounds_ in sorted(measured.items(), key=lambda each: each[0][1:])
    ]


@asynccontextmanager
async def _running(candidate: Candidate, stores: Stores, cores: Cores) -> AsyncIterator[Running]:
    async with started(candidate, stores, cores) as server:
        await until_live(server.url)
        yield server


async def fill_shelves(settings: Settings, known: Known) -> None:
    """Deliver so many units of each product that no order is refused."""
    async with open_write_side(settings) as write_side:
        for product in known.products:
            delivery = ReceiveStock(product_id=key_of("Product", product), quantity=MOST_UNITS)
            assert isinstance(await write_side.commands.execute(delivery, viewer=OPEN), Receipt)


async def _filled(url: str) -> Known:
    """Fill the shop through GraphQL, which each revision understands, whatever its tables are like."""
    async with aiohttp.ClientSession(url) as http:

        async def made(mutation: str, kind: str, values: Mapping[str, object]) -> str:
            async with http.post(
                "/graphql", json={"query": mutation, "variables": {"input": values}}
            ) as answer:
                [payload] = (await answer.json())["data"].values()
            assert not payload["errors"], payload
            return str(payload[kind]["id"])

        products = [await made(ADD_PRODUCT, "product", _product(number)) for number in range(PRODUCTS)]
        customers = [await made(REGISTER, "customer", _customer(number)) for number in range(CUSTOMERS)]
        for id in products:
            await made(FILL_SHELF, "product", {"productId": id, "quantity": MOST_UNITS})
    return Known(products, customers)


def _product(number: int) -> dict[str, object]:
    named = {"sku": f"SKU-{number}", "name": f"Product {number}", "category": f"Category {number % 12}"}
    return {**named, "unitPrice": {"amount": f"{number}.50"}}


def _customer(number: int) -> dict[str, object]:
    address = {"street": f"{number} Main Street", "city": "Springfield", "country": "US"}
    return {"name": f"Customer {number}", "company": f"Company {number}", "address": address}
