"""Commands and reads of the log take as long in a large shop as in a small one."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from app.cqrs.commands.lists import Entry
from app.cqrs.viewers import OPEN
from app.demo.filling import fill
from app.demo.plan import Shop as Demo
from app.domain.customers.commands import ForgetCustomer
from app.domain.orders.commands import PayOrder
from tests.domain.shop import Shop, open_shop
from tests.domain.wanted import order

SMALL = {"json_each", "log_head", "anon_1", "CONSTANT", "forgotten"}
"""What may be read whole: keys that are looked up, which SQLite has as a table; tables and subqueries of one
row; and, when somebody is forgotten, who was forgotten before."""


@dataclass(frozen=True)
class Traced:
    shop: Shop
    file: Path
    statements: set[str]

    def scans(self) -> set[tuple[str, str]]:
        """Return each step that reads a whole table or index, with the statement."""
        found = set()
        with closing(sqlite3.connect(self.file)) as connection:
            for statement in self.statements:
                if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
                        verb, name, *_ = step.split()
                        if verb == "SCAN" and name not in SMALL:
                            found.add((step, statement))
        return found


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[Traced]:
    """A shop on SQLite, and all statements that it has executed since."""
    file = tmp_path / "write.db"
    async with open_shop(f"sqlite+aiosqlite:///{file}") as shop:
        traced = Traced(shop, file, set())
        await _trace(shop.engines.writing, 1, traced)
        await _trace(shop.engines.reading, 4, traced)
        yield traced


async def _trace(engine: AsyncEngine, connections: int, traced: Traced) -> None:
    async with AsyncExitStack() as opened:
        for _ in range(connections):
            connection = await opened.enter_async_context(engine.connect())
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw
            await raw.set_trace_callback(traced.statements.add)


async def test_no_command_reads_a_whole_table(traced: Traced) -> None:
    shop = traced.shop
    await fill(Demo(products=20, customers=10, orders=40), shop.bus)
    ada, tea = await shop.customer(), await shop.product(on_hand=100)
    placed = await asyncio.gather(*(shop.order(ada, (tea, 1)) for _ in range(20)))
    await shop.bus.execute_all([Entry(PayOrder(order_id=each), uuid7()) for each in placed], viewer=OPEN)
    repeated = uuid7()
    for _ in range(2):
        await shop.accept(order(ada, (tea, 1)), command_id=repeated)
    await shop.accept(ForgetCustomer(customer_id=ada, despite_open_orders=True))
    assert len(traced.statements) > 200
    assert traced.scans() == set()


async def test_no_read_of_the_log_reads_all_of_it(traced: Traced) -> None:
    shop = traced.shop
    await shop.accept(order(await shop.customer(), (await shop.product(on_hand=1), 1)))
    traced.statements.clear()
    head = await shop.store.head()
    newest = await shop.store.read(after=head - 1, limit=1)
    await shop.store.receipts([newest[0].command_id])
    assert traced.statements
    assert traced.scans() == set()
