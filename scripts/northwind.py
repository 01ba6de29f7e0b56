"""Load the Northwind data set through GraphQL mutations, and check the sums in the read models.

It can be repeated: each command's id is derived from its row, so the service executes it only once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID, uuid5

import typer
from aiohttp import ClientError
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from northwind_books import Books, Row
from rich.console import Console
from rich.progress import Progress

from app.command_line.read_models.asking import at_endpoint

NAMESPACE = UUID("6f1d3c1e-5d0c-4f0e-9c3b-2f1a8d7e4b90")
"""The namespace of the ids of all commands that this loader sends."""

AT_ONCE = 16
"""Commands that are sent concurrently."""

PATIENCE = 30
"""Attempts of a read whose read models are behind; each attempt waits for some seconds in the service."""

console = Console(highlight=False)
errors = Console(highlight=False, stderr=True)

MUTATION = """mutation ($input: {type}!) {{ {name}(input: $input) {{
  receipt {{ token events {{ type subject position }} }} errors {{ code message path }} }} }}"""

TOTALS = """query ($first: Date!, $last: Date!, $from: DateTime!, $to: DateTime!) {
  orders(filter: { placedFrom: $from, placedTo: $to }) {
    totals { orders units revenue { amount } shippingFees { amount } } }
  shipped: orders(filter: { placedFrom: $from, placedTo: $to, status: [SHIPPED] }) { totalCount }
  sales(firstDay: $first, lastDay: $last) {
    total { orders units shipped revenue { amount } shippingFees { amount } } } }"""

DAYS = """query ($first: Date!, $last: Date!, $after: String) {
  sales(firstDay: $first, lastDay: $last) { byDay(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { day revenue { amount } } } } }"""

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
"""A query for at most 100 ids."""


class Refusal(Exception):
    """A refusal of one of the commands by the service."""


@dataclass(kw_only=True)
class Loader:
    """A loader that sends the data as commands, and records the ids of the results."""

    session: AsyncClientSession
    books: Books
    advance: Callable[[], None]
    products: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    newest: tuple[int, str] = (0, "")
    """The highest position of all events so far, and the consistency token for it."""

    async def load(self) -> None:
        """Load all rows, in an order in which each command finds the results that it needs."""
        await _at_once([partial(self._product, row) for row in self.books.products])
        await _at_once([partial(self._customer, row) for row in self.books.customers])
        await self._orders()
        for row in self.books.products:
            await self._price(row["productID"], Decimal(row["unitPrice"]), "final")
        discontinued = [row for row in self.books.products if row["discontinued"] == "1"]
        await _at_once([partial(self._discontinue, row) for row in discontinued])

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
        # The units of all orders, and those that remain in stock at the end.
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
        """Place the orders; those between two changes of prices are sent concurrently."""
        batch: list[Callable[[], Awaitable[None]]] = []
        for order in self.books.orders:
            lines = self.books.lines[order["orderID"]]
            if any(self.prices[line["productID"]] != Decimal(line["unitPrice"]) for line in lines):
                await _at_once(batch)
                batch = []
                for line in lines:
                    await self._price(line["productID"], Decimal(line["unitPrice"]), order["orderID"])
            batch.append(partial(self._order, order))
        await _at_once(batch)

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
        command = {
            "customerId": self.customers[order["customerID"]],
            "lines": lines,
            "shippingFee": {"amount": order["freight"]},
            "shipTo": _address(order, "ship") | {"recipient": order["shipName"]},
            "placedAt": f"{order['orderDate'][:10]}T00:00:00.000Z",
        }
        placed = await self._send("placeOrder", id, command, "OrderPlaced")
        if order["shippedDate"]:
            # The books have no payments: what was shipped is taken to have been paid when it was ordered.
            await self._send("payOrder", id, {"orderId": placed, "paidAt": command["placedAt"]})
            shipped_at = f"{order['shippedDate'][:10]}T00:00:00.000Z"
            await self._send("shipOrder", id, {"orderId": placed, "shippedAt": shipped_at})
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
        """Send a command, whose id is derived from its name and `about`; return the subject of `event`."""
        command = {**input, "commandId": str(uuid5(NAMESPACE, f"{name}/{about}"))}
        text = MUTATION.format(name=name, type=f"{name[0].upper()}{name[1:]}Input")
        payload = (await self.session.execute(GraphQLRequest(text, variable_values={"input": command})))[name]
        if payload["errors"]:
            reasons = "; ".join(f"{error['message']} ({error['code']})" for error in payload["errors"])
            raise Refusal(f"{name} of {about} was refused: {reasons}")
        events, token = payload["receipt"]["events"], payload["receipt"]["token"]
        if events:  # Replies may arrive out of order, so the last one is not always the newest.
            self.newest = max(self.newest, (int(events[-1]["position"]), token))
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
    """Run all tasks, at most `AT_ONCE` of them concurrently; cancel all when one fails."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def run(task: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            await task()

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(run(task))


async def _ask(loader: Loader, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of a query as soon as the read models contain all that was loaded."""
    headers = {"Consistency-Token": loader.newest[1]}
    request = GraphQLRequest(query, variable_values=variables)
    attempts = 0
    while True:
        try:
            return await loader.session.execute(request, extra_args={"headers": headers})
        except TransportQueryError as error:
            codes = {each.get("extensions", {}).get("code") for each in error.errors or []}
            attempts += 1
            if attempts == PATIENCE or "READ_MODEL_BEHIND" not in codes:
                raise


async def _found(loader: Loader) -> dict[str, Any]:
    """Return the figures for the loaded data from the read models, which may also contain other data."""
    first, last = loader.books.span
    span = {"first": f"{first}", "last": f"{last}"}
    moments = {"from": f"{first}T00:00:00.000Z", "to": f"{last + timedelta(days=1)}T00:00:00.000Z"}
    said = await _ask(loader, TOTALS, **span, **moments)
    days: dict[str, Decimal] = {}
    more: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while more["hasNextPage"]:
        page = (await _ask(loader, DAYS, **span, after=more["endCursor"]))["sales"]["byDay"]
        days |= {node["day"]: Decimal(node["revenue"]["amount"]) for node in page["nodes"]}
        more = page["pageInfo"]

    async def count(ids: Sequence[str]) -> int:
        chunks = [ids[start : start + 100] for start in range(0, len(ids), 100)]
        answers = [await _ask(loader, NODES, ids=chunk) for chunk in chunks]
        return len({node["id"] for answer in answers for node in answer["nodes"] if node})

    totals, sales = said["orders"]["totals"], said["sales"]["total"]
    return {
        "products": await count(list(loader.products.values())),
        "customers": await count(list(loader.customers.values())),
        "orders": totals["orders"],
        "orders, by day": sales["orders"],
        "shipped": said["shipped"]["totalCount"],
        "shipped, by day": sales["shipped"],
        "units": int(totals["units"]),
        "units, by day": int(sales["units"]),
        "revenue": Decimal(totals["revenue"]["amount"]),
        "revenue, by day": Decimal(sales["revenue"]["amount"]),
        "revenue of each day": days,
        "shipping fees": Decimal(totals["shippingFees"]["amount"]),
        "shipping fees, by day": Decimal(sales["shippingFees"]["amount"]),
    }


async def _run(books: Books, url: str) -> dict[str, Any]:
    client = Client(transport=AIOHTTPTransport(url=url, timeout=60))
    async with client as session:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("Orders", total=len(books.orders))
            loader = Loader(session=session, books=books, advance=lambda: bar.advance(task))
            await loader.load()
        return await _found(loader)


def _shown(value: Any) -> str:
    return f"{len(value)} days" if isinstance(value, dict) else f"{value:,}"


def _first(error: BaseException) -> BaseException:
    """Return the first exception of a group, or the exception itself."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _fail(message: str) -> NoReturn:
    errors.print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(1)


def main(
    data: Annotated[Path, typer.Option(help="Folder with the CSV files of Northwind.")],
    url: Annotated[
        str, typer.Option(help="URL of the running service, or of its GraphQL endpoint.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Load the Northwind data set through GraphQL mutations, and check the sums in the read models."""
    try:
        books = Books.read(data)
        expected = books.expected()
        found = asyncio.run(_run(books, at_endpoint(url)))
    except Exception as raised:
        error = _first(raised)
        if isinstance(error, TransportQueryError):
            _fail(f"The service at {url} returned an error: {error}")
        if isinstance(error, ClientError | TransportError):
            _fail(f"No Diptych service answers at {url}: {error}\nStart one with scripts/serve --no-demo")
        if isinstance(error, KeyError):
            _fail(f"The data in {data} is incomplete: {error} is missing. Name another folder with --data.")
        if isinstance(error, OSError | ValueError | ArithmeticError | Refusal):
            _fail(f"The data in {data} can't be loaded: {error}")
        raise
    for name, value in found.items():
        agrees = value == expected[name]
        verdict = "" if agrees else f"  but the CSV files have {_shown(expected[name])}"
        console.print(f"{name:>22}  {_shown(value)}{verdict}", style=None if agrees else "red")
    if found != expected:
        _fail(
            "The sums differ, perhaps because of other orders on these days. "
            "Load the data into an empty store: scripts/serve --no-demo"
        )


if __name__ == "__main__":
    typer.run(main)
