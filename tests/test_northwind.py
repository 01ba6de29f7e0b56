"""The Northwind loader, on a small set of books of our own with the same columns."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.schema.client import Client
from tests.service import running

pytestmark = pytest.mark.campaign

BOOKS = Path(__file__).parent / "northwind"
LOADER = Path(__file__).parent.parent / "scripts" / "northwind.py"

# Order 11: 3 × 30.00 and 1.10 × 0.95 = 1.045, which is 1.04 half-even; 12: 40 × 1.10 × 0.9;
# 13: 64.00 × 0.75 and 5 × 8.50; 14: 2 × 38.00 × 0.85 and 7 × 1.30; 15: 10 × 1.20.
TOTALS = {
    "products": "5",
    "customers": "3",
    "orders": "5",
    "shipped": "4",
    "units": "69",
    "revenue": "306.84",
    "revenue of each day": "4 days",
    "shipping fees": "28.12",
}


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("northwind")
    async with running(folder, "--no-demo") as service, httpx.AsyncClient(timeout=20) as http:
        yield Client(service.url, http)


async def load(books: Path, url: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, LOADER, "--data", books, "--url", f"{url}/graphql"), stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_loads_the_books_to_the_cent_and_only_once(client: Client) -> None:
    heads = []
    for _ in range(2):
        exit_code, said = await load(BOOKS, client.url)
        assert exit_code == 0, said
        totals = dict(line.strip().split("  ", 1) for line in said.splitlines())
        assert {name: totals[name] for name in TOTALS} == TOTALS
        freshness = (await client.send("{ freshness { head } }")).data["freshness"]
        heads.append(freshness[0]["head"])
    assert heads[0] == heads[1]


async def test_leaves_stock_prices_and_orders_as_the_books_have_them(client: Client) -> None:
    exit_code, said = await load(BOOKS, client.url)
    assert exit_code == 0, said
    found = await client.send(
        """{ products(orderBy: { field: NAME, direction: ASC }) { nodes {
               sku category packaging available discontinued price { amount } } }
             orders(orderBy: { field: PLACED_AT, direction: DESC }, first: 1) { nodes {
               status placedAt total { amount } } } }"""
    )
    assert [list(product.values()) for product in found.data["products"]["nodes"]] == [
        ["NW-5", "Jams", "", 0, False, {"amount": "9.00"}],
        ["NW-1", "Lamps", "1 lamp", 7, False, {"amount": "38.00"}],
        ["NW-3", "Jams", "12 - 340 g jars", 120, False, {"amount": "1.20"}],
        ["NW-4", "Jams", "6 - 200 g jars", 0, True, {"amount": "8.50"}],
        ["NW-2", "Lamps", "1 lantern", 0, False, {"amount": "64.00"}],
    ]
    assert found.data["orders"]["nodes"] == [
        {"status": "PLACED", "placedAt": "2001-04-11T00:00:00.000Z", "total": {"amount": "15.10"}}
    ]


async def test_says_why_nothing_can_be_loaded(client: Client, tmp_path: Path) -> None:
    said = f"The data in {tmp_path} can't be loaded: {missing(tmp_path)}\n"
    assert await load(tmp_path, client.url) == (1, said)
    exit_code, said = await load(BOOKS, "http://127.0.0.1:1")
    assert exit_code == 1
    assert said.startswith("No Diptych service answers at http://127.0.0.1:1/graphql: ")
    assert "Traceback" not in said


async def test_says_which_command_was_refused(client: Client, tmp_path: Path) -> None:
    for file in BOOKS.iterdir():
        (tmp_path / file.name).write_text(
            file.read_text("utf-8").replace(",30.00,3,0", ",30.00,3,7"), "utf-8"
        )
    renumbered = (tmp_path / "orders.csv").read_text("utf-8").replace("\n11,", "\n99,")
    (tmp_path / "orders.csv").write_text(renumbered, "utf-8")
    details = (tmp_path / "order-details.csv").read_text("utf-8").replace("\n11,", "\n99,")
    (tmp_path / "order-details.csv").write_text(details, "utf-8")
    exit_code, said = await load(tmp_path, client.url)
    assert exit_code == 1
    assert "placeOrder of 99 was refused: Discount must be between 0 and 1; it is 7. (INVALID_INPUT)" in said


def missing(folder: Path) -> str:
    return f"[Errno 2] No such file or directory: '{folder / 'order-details.csv'}'"
