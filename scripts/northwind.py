"""Loads the Northwind traders' books through GraphQL mutations, and checks the sums that come out.

It can be run again: every command has an id made from what it is about, so nothing is done twice.
"""

import asyncio
import csv
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

import typer
from aiohttp import ClientError
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError
from rich.console import Console
from rich.progress import Progress

NAMESPACE = UUID("6f1d3c1e-5d0c-4f0e-9c3b-2f1a8d7e4b90")
"""What all command ids of this loader are made from."""

AT_ONCE = 16
"""How many commands are under way at the same time."""

CENT = Decimal("0.01")
Row = dict[str, str]
console = Console(highlight=False)

MUTATION = """mutation ($input: {type}!) {{ {name}(input: $input) {{
  receipt {{ token events {{ type subject }} }} errors {{ code message path }} }} }}"""

TOTALS = """query ($atLeast: [ConsistencyToken!]) {
  products(atLeast: $atLeast) { totalCount }
  customers(atLeast: $atLeast) { totalCount }
  orders(atLeast: $atLeast) { totals { orders units revenue { amount } shippingFees { amount } } }
  shipped: orders(filter: { status: [SHIPPED] }, atLeast: $atLeast) { totalCount }
  sales(atLeast: $atLeast) { total { orders units shipped revenue { amount } shippingFees { amount } } } }"""

DAYS = """query ($after: String, $atLeast: [ConsistencyToken!]) { sales(atLeast: $atLeast) {
  byDay(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { day revenue { amount } } } } }"""


class Refusal(Exception):
    """The service refused a command that these books need."""


@dataclass(frozen=True, kw_only=True)
class Books:
    """The CSV files, as rows; `NULL` is read as an empty text."""

    products: Sequence[Row]
    categories: dict[str, str]
    customers: Sequence[Row]
    orders: Sequence[Row]
    lines: dict[str, list[Row]]

    @classmethod
    def read(cls, folder: Path) -> "Books":
        """Orders come by date; raises `OSError` or `KeyError` where a file or column is missing."""

        def rows(name: str) -> list[Row]:
            with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                return [
                    {key: "" if value == "NULL" else value for key, value in row.items()}
                    for row in csv.DictReader(file)
                ]

        lines: defaultdict[str, list[Row]] = defaultdict(list)
        for line in rows("order-details"):
            lines[line["orderID"]].append(line)
        return cls(
            products=rows("products"),
            categories={row["categoryID"]: row["categoryName"] for row in rows("categories")},
            customers=rows("customers"),
            orders=sorted(rows("orders"), key=lambda row: (row["orderDate"], int(row["orderID"]))),
            lines=lines,
        )

    @property
    def units(self) -> Counter[str]:
        """Units ordered, by product."""
        units: Counter[str] = Counter()
        for lines in self.lines.values():
            for line in lines:
                units[line["productID"]] += int(line["quantity"])
        return units

    def revenue(self, orders: Iterable[Row]) -> Decimal:
        """What the lines of these orders come to, each rounded half-even to cents."""
        lines = (line for order in orders for line in self.lines[order["orderID"]])
        return sum((_line_total(line) for line in lines), Decimal(0))


def _line_total(line: Row) -> Decimal:
    kept = 1 - Decimal(line["discount"])
    total = Decimal(line["unitPrice"]) * int(line["quantity"]) * kept
    return total.quantize(CENT, rounding=ROUND_HALF_EVEN)


@dataclass(kw_only=True)
class Loader:
    """Sends the books as commands, and remembers the ids that came of them."""

    session: AsyncClientSession
    books: Books
    advance: Callable[[], None]
    products: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    token: str | None = None

    async def load(self) -> None:
        """Everything, in an order in which each command finds what it needs."""
        await _at_once([partial(self._product, row) for row in self.books.products])
        await _at_once([partial(self._customer, row) for row in self.books.customers])
        await self._orders()
        for row in self.books.products:
            await self._price(row["productID"], Decimal(row["unitPrice"]), "final")
        gone = [row for row in self.books.products if row["discontinued"] == "1"]
        await _at_once([partial(self._discontinue, row) for row in gone])

    async def _product(self, row: Row) -> None:
        id = row["productID"]
        price = Decimal(row["unitPrice"])
        product = {
            "sku": f"NW-{id}",
            "name": row["productName"],
            "category": self.books.categories[row["categoryID"]],
            "packaging": row["quantityPerUnit"],
            "unitPrice": {"amount": str(price)},
        }
        self.products[id] = await self._send("addProduct", id, product, "ProductAdded")
        self.prices[id] = price
        # Enough for all that was ever ordered, and for what is left in the end.
        stock = self.books.units[id] + int(row["unitsInStock"])
        if stock:
            await self._send("receiveStock", id, {"productId": self.products[id], "quantity": stock})

    async def _customer(self, row: Row) -> None:
        customer = {
            "name": row["contactName"],
            "company": row["companyName"],
            "phone": row["phone"] or None,
            "address": _address(row, ""),
        }
        id = row["customerID"]
        self.customers[id] = await self._send("registerCustomer", id, customer, "CustomerRegistered")

    async def _orders(self) -> None:
        """Orders keep the price they are placed at: they are placed together as long as prices stay."""
        together: list[Callable[[], Awaitable[None]]] = []
        for order in self.books.orders:
            lines = self.books.lines[order["orderID"]]
            if any(self.prices[line["productID"]] != Decimal(line["unitPrice"]) for line in lines):
                await _at_once(together)
                together = []
                for line in lines:
                    await self._price(line["productID"], Decimal(line["unitPrice"]), order["orderID"])
            together.append(partial(self._order, order))
        await _at_once(together)

    async def _order(self, order: Row) -> None:
        id = order["orderID"]
        lines = [
            {
                "productId": self.products[line["productID"]],
                "quantity": int(line["quantity"]),
                "discount": line["discount"],
            }
            for line in self.books.lines[id]
        ]
        wish = {
            "customerId": self.customers[order["customerID"]],
            "lines": lines,
            "shippingFee": {"amount": order["freight"]},
            "shipTo": _address(order, "ship") | {"recipient": order["shipName"]},
            "placedAt": f"{order['orderDate'][:10]}T00:00:00Z",
        }
        placed = await self._send("placeOrder", id, wish, "OrderPlaced")
        if order["shippedDate"]:
            await self._send("payOrder", id, {"orderId": placed})
            await self._send("shipOrder", id, {"orderId": placed})
        self.advance()

    async def _price(self, product: str, price: Decimal, occasion: str) -> None:
        if self.prices[product] != price:
            change = {"productId": self.products[product], "unitPrice": {"amount": str(price)}}
            await self._send("changePrice", f"{product}/{occasion}", change)
            self.prices[product] = price

    async def _discontinue(self, row: Row) -> None:
        product = self.products[row["productID"]]
        await self._send("discontinueProduct", row["productID"], {"productId": product})

    async def _send(self, name: str, about: str, input: dict[str, Any], event: str = "") -> str:
        """Sends one command, whose id is made from its name and `about`; returns whom `event` happened to."""
        command = {**input, "commandId": str(uuid5(NAMESPACE, f"{name}/{about}"))}
        text = MUTATION.format(name=name, type=f"{name[0].upper()}{name[1:]}Input")
        payload = (await self.session.execute(GraphQLRequest(text, variable_values={"input": command})))[name]
        if payload["errors"]:
            reasons = "; ".join(f"{error['message']} ({error['code']})" for error in payload["errors"])
            raise Refusal(f"{name} of {about} was refused: {reasons}")
        self.token = payload["receipt"]["token"] or self.token
        events = payload["receipt"]["events"]
        return next((str(each["subject"]) for each in events if each["type"] == event), "")


def _address(row: Row, prefix: str) -> dict[str, str | None]:
    def part(name: str) -> str:
        return row[f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name]

    return {
        "street": part("address"),
        "city": part("city"),
        "region": part("region") or None,
        "postalCode": part("postalCode") or None,
        "country": part("country"),
    }


async def _at_once(tasks: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Carries out all tasks, some at a time; the first failure ends them all."""
    places = asyncio.Semaphore(AT_ONCE)

    async def carry_out(task: Callable[[], Awaitable[None]]) -> None:
        async with places:
            await task()

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(carry_out(task))


async def _found(session: AsyncClientSession, token: str | None) -> dict[str, Any]:
    """What the queries say, as soon as the read models hold the last command."""
    at_least = {"atLeast": [token] if token else None}
    said = await session.execute(GraphQLRequest(TOTALS, variable_values=at_least))
    days: dict[str, Decimal] = {}
    after = None
    while True:
        request = GraphQLRequest(DAYS, variable_values={**at_least, "after": after})
        page = (await session.execute(request))["sales"]["byDay"]
        days |= {node["day"]: Decimal(node["revenue"]["amount"]) for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    totals, sales = said["orders"]["totals"], said["sales"]["total"]
    return {
        "products": said["products"]["totalCount"],
        "customers": said["customers"]["totalCount"],
        "orders": totals["orders"],
        "orders, by day": sales["orders"],
        "shipped": said["shipped"]["totalCount"],
        "shipped, by day": sales["shipped"],
        "units": totals["units"],
        "units, by day": sales["units"],
        "revenue": Decimal(totals["revenue"]["amount"]),
        "revenue, by day": Decimal(sales["revenue"]["amount"]),
        "revenue of each day": days,
        "shipping fees": Decimal(totals["shippingFees"]["amount"]),
        "shipping fees, by day": Decimal(sales["shippingFees"]["amount"]),
    }


def _expected(books: Books) -> dict[str, Any]:
    """What the books themselves say."""
    days: defaultdict[str, list[Row]] = defaultdict(list)
    for order in books.orders:
        days[order["orderDate"][:10]].append(order)
    shipped = sum(1 for order in books.orders if order["shippedDate"])
    fees = sum((Decimal(order["freight"]) for order in books.orders), Decimal(0))
    sums = {
        "orders": len(books.orders),
        "shipped": shipped,
        "units": books.units.total(),
        "revenue": books.revenue(books.orders),
        "shipping fees": fees,
    }
    return {
        "products": len(books.products),
        "customers": len(books.customers),
        **sums,
        **{f"{name}, by day": value for name, value in sums.items()},
        "revenue of each day": {day: books.revenue(orders) for day, orders in days.items()},
    }


async def _run(books: Books, url: str) -> dict[str, Any]:
    client = Client(transport=AIOHTTPTransport(url=url, timeout=60))
    async with client as session:
        with Progress(console=console) as bar:
            task = bar.add_task("Orders", total=len(books.orders))
            loader = Loader(session=session, books=books, advance=lambda: bar.advance(task))
            await loader.load()
        return await _found(session, loader.token)


def _shown(value: Any) -> str:
    return f"{len(value)} days" if isinstance(value, dict) else f"{value:,}"


def main(
    data: Annotated[Path, typer.Option(help="Folder with Northwind's CSV files.")],
    url: Annotated[str, typer.Option(help="GraphQL endpoint.")] = "http://127.0.0.1:8000/graphql",
) -> None:
    """Load Northwind's books through GraphQL mutations, and check what the queries then say."""
    try:
        books = Books.read(data)
        expected = _expected(books)
        found = asyncio.run(_run(books, url))
    except* (OSError, KeyError, ClientError, TransportError, Refusal) as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        missing = f"the column or key {error} is missing" if isinstance(error, KeyError) else str(error)
        console.print(f"Not loaded: {missing}", style="red", markup=False)
        raise typer.Exit(1) from None
    for name, value in found.items():
        agrees = value == expected[name]
        verdict = "" if agrees else f"  but the books say {_shown(expected[name])}"
        console.print(f"{name:>22}  {_shown(value)}{verdict}", style=None if agrees else "red")
    if found != expected:
        console.print("Does the store hold other data, too? Load into an empty one: scripts/serve --no-demo")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
