"""Sums of the largest quantities that are accepted come out exactly, however many there are."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInt, GraphQLObjectType, get_named_type
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import Settings
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.head import Head
from app.domain.stock.model import MOST_ON_HAND
from app.graphql.execution.json_values import big_int_text
from app.graphql.internals.strawberry import core_schema
from app.values import HIGHEST_PRICE, MOST_UNITS
from schema.circle.consistency import Freshness
from schema.root import schema
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

pytestmark = pytest.mark.campaign

ORDERS, LINES = 22, 100
UNITS = ORDERS * LINES * MOST_UNITS
REVENUE = UNITS * HIGHEST_PRICE
assert UNITS > 2**31


@pytest.fixture
async def service(database_url: str, mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path,
        database_url=database_url,
        mongodb_url=mongo_url,
        mongodb_database=tmp_path.name,
    )
    async with serving(settings) as running:
        yield running


async def fill_the_warehouse(database_url: str) -> None:
    """As thousands of deliveries would."""
    engine = create_async_engine(database_url)
    async with engine.begin() as rows:
        await rows.execute(text("update stocks set on_hand = :most"), {"most": MOST_ON_HAND})
    await engine.dispose()


async def sell_a_lot(service: Service, database_url: str) -> tuple[str, list[str]]:
    """The ids of a product and of orders for it, which are shipped, but for the last one."""
    shop, client = Shop(service.client), service.client
    product = await shop.product(stock=1, price=str(HIGHEST_PRICE))
    customer, orders = await shop.customer(), []
    lines = [{"productId": product, "quantity": MOST_UNITS}] * LINES
    for number in range(ORDERS):
        if number % 10 == 0:
            await fill_the_warehouse(database_url)
        placed = await client.mutate("placeOrder", "order { id units }", customerId=customer, lines=lines)
        assert placed["errors"] == []
        assert placed["order"]["units"] == LINES * MOST_UNITS
        orders.append(placed["order"]["id"])
        if number < ORDERS - 1:
            assert not (await client.mutate("payOrder", "", orderId=orders[-1]))["errors"]
            assert not (await client.mutate("shipOrder", "", orderId=orders[-1]))["errors"]
    return product, orders


QUERY = """query ($id: ID!) {
    product(id: $id) { unitsSold onHand available }
    node(id: $id) { ... on Product { unitsSold } }
    products(orderBy: { field: BEST_SELLING, direction: DESC }) { totalCount nodes { id unitsSold } }
    orders { totalCount totals { orders units revenue { amount } } nodes { units } }
    sales { total { orders units revenue { amount } } byDay { nodes { units revenue { amount } } }
        byCustomer { units revenue { amount } } byCategory { units revenue { amount } }
        bestSellers { units revenue { amount } } } }"""


async def test_sums_of_units_outgrow_an_int_and_come_out_exactly(service: Service, database_url: str) -> None:
    product, orders = await sell_a_lot(service, database_url)
    units, revenue = str(UNITS), {"amount": str(REVENUE)}
    for _ in range(3):  # The third time a compiled query answers.
        data = (await service.client.send(QUERY, {"id": product})).data
        assert data["product"]["unitsSold"] == units
        assert data["node"] == {"unitsSold": units}
        assert data["products"]["nodes"] == [{"id": product, "unitsSold": units}]
        assert data["orders"]["totals"] == {"orders": ORDERS, "units": units, "revenue": revenue}
        assert data["sales"]["total"] == {"orders": ORDERS, "units": units, "revenue": revenue}
        for sums in ("byCategory", "bestSellers", "byCustomer"):
            assert data["sales"][sums] == [{"units": units, "revenue": revenue}]
        days = data["sales"]["byDay"]["nodes"]  # two, where midnight has passed meanwhile
        assert sum(int(day["units"]) for day in days) == UNITS
        assert sum(Decimal(day["revenue"]["amount"]) for day in days) == REVENUE

    watched = "subscription ($id: ID!) { productUpdated(id: $id) { product { unitsSold } } }"
    async with service.client.subscribe(watched, {"id": product}, token=service.client.seen) as updates:
        assert (await updates.next())["product"] == {"unitsSold": units}
        assert not (await service.client.mutate("cancelOrder", "", orderId=orders[-1]))["errors"]
        fewer = str(UNITS - LINES * MOST_UNITS)
        while (await updates.next())["product"] != {"unitsSold": fewer}:
            pass
    data = (await service.client.send(QUERY, {"id": product})).data
    assert [data["product"]["unitsSold"], data["sales"]["total"]["units"]] == [fewer, fewer]
    assert data["orders"]["totals"]["units"] == units, "cancelled ones included"


async def test_pages_of_best_sellers_go_on_beyond_an_int(service: Service, database_url: str) -> None:
    product, _ = await sell_a_lot(service, database_url)
    others = [await Shop(service.client).product() for _ in range(2)]
    query = """query ($after: String) { products(first: 1, after: $after,
        orderBy: { field: BEST_SELLING, direction: DESC }) { nodes { id } pageInfo { endCursor } } }"""
    met, cursor = [], None
    for _ in range(3):
        page = (await service.client.send(query, {"after": cursor})).data["products"]
        met += [node["id"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
    assert met[0] == product
    assert sorted(met[1:]) == sorted(others)


BOUNDED: dict[str, tuple[str, ...]] = {
    "a page, an order or a product has no more": (
        *("Order.units", "OrderLine.quantity", "OrderSummary.lineCount", "OrderSummary.units"),
        *("Product.onHand", "Product.reserved", "Product.available"),
        *("OutOfStock.requested", "OutOfStock.available", "StockTooLow.onHand", "StockTooLow.reserved"),
        *("StockTooHigh.onHand", "StockTooHigh.limit"),
        *(
            f"{kind}ListChange.{index}"
            for kind in ("OrderSummary", "Product")
            for index in ("index", "previousIndex")
        ),
    ),
    "each of them takes a document": (
        *(f"{kind}Connection.totalCount" for kind in ("Activity", "Customer", "Order", "OrderSummary")),
        *(f"{kind}Connection.totalCount" for kind in ("Product", "SalesDay")),
        *("CategoryChoice.count", "PriceChoice.count", "ProductChoices.inStock", "ProductChoices.soldOut"),
        *("CategoryCount.count", "ProductFacets.inStock", "Customer.orderCount", "OrderTotals.orders"),
        *(
            f"{kind}.{count}"
            for kind in ("SalesDay", "SalesMonth", "SalesTotals")
            for count in ("orders", "cancelled", "shipped")
        ),
        *("CustomerHasOpenOrders.openOrders", "CustomerSales.orders"),
        *("RebuiltDocuments.count", "RebuiltDocuments.differing"),
    ),
    "each of them takes an event of one aggregate": (
        *(
            "Activity.streamVersion",
            "RecordedEvent.streamVersion",
            "Customer.version",
            "Order.version",
            "OrderSummary.version",
        ),
        *("Product.version", "Product.stockVersion", "VersionConflict.currentVersion"),
    ),
    "a subscriber who misses more is disconnected long before": (
        *("Lagged.count", "OrderUpdate.lagged", "OrdersUpdate.lagged"),
        *("ProductUpdate.lagged", "ProductsUpdate.lagged"),
    ),
    "each of them takes a decision of an operator": ("Freshness.eventsSkipped",),
    "each of them takes a second": ("ServiceStatus.mongodRestarts",),
    "it stops there, and says so": ("Freshness.eventsBehind",),
}


def test_every_int_of_a_result_is_bounded() -> None:
    kinds = [kind for kind in core_schema(schema).type_map.values() if isinstance(kind, GraphQLObjectType)]
    found = {
        f"{kind.name}.{name}"
        for kind in kinds
        for name, field in kind.fields.items()
        if get_named_type(field.type) is GraphQLInt
    }
    assert found == {name for names in BOUNDED.values() for name in names}


def test_a_read_model_is_behind_by_at_least_the_most_that_an_int_can_say() -> None:
    for head, shown in ((5, 5), (2**31 - 1, 2**31 - 1), (2**31, 2**31 - 1), (2**40, 2**31 - 1)):
        fresh = replace(Progress("order_list", Head()).freshness(), head=head)
        assert Freshness.of(fresh).events_behind == shown


def test_a_sum_that_was_rounded_is_not_shown_as_a_whole_number() -> None:
    wrong: tuple[Any, ...] = (2.0**63, Decimal(1), "1", True, None)
    for value in wrong:
        with pytest.raises(TypeError, match="is not a BigInt"):
            big_int_text(value)
    assert big_int_text(2**63 - 1) == "9223372036854775807"
