"""Ordinary strawberry over motor, as its documentation shows it; `WITH_CACHES` adds its two caches."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from bson.codec_options import CodecOptions
from bson.decimal128 import Decimal128
from motor.motor_asyncio import AsyncIOMotorClient
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from app.declared import READ_MODELS as _KNOWN  # noqa: F401 - it registers the events, on which names depend
from app.domain.orders.status import OrderStatus
from app.graphql.execution.json_values import datetime_text
from app.read_models.customer_overview import customers
from app.read_models.order_details import orders
from app.read_models.product_listing import products
from tests.bench.baselines.mapping import PAGE, cursor, global_id, key_in

_client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["MONGODB_URL"])
_options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
_database = _client.get_database(os.environ["MONGODB_DATABASE"], codec_options=_options)

SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(name="DateTime", serialize=datetime_text),
    Decimal: strawberry.scalar(name="Decimal", serialize=str),
}


class SortField(Enum):
    PRICE = "price.amount"
    NAME = "sort_name"


strawberry.enum(OrderStatus)
strawberry.enum(SortField, name="ProductSortField")


@strawberry.type
class Money:
    amount: Decimal
    currency_code: str


@strawberry.type
class OrderCustomer:
    customer_id: strawberry.ID
    name: str | None
    company: str | None


@strawberry.type
class OrderLine:
    sku: str
    title: str
    packaging: str
    quantity: int
    discount: Decimal
    unit_price: Money
    total: Money


@strawberry.type
class Order:
    id: strawberry.ID
    version: int
    status: OrderStatus
    placed_at: datetime
    units: int
    subtotal: Money
    shipping_fee: Money
    total: Money
    customer: OrderCustomer
    lines: list[OrderLine]


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.type
class Customer:
    key: strawberry.Private[str]

    @strawberry.field
    async def orders(self, first: int = PAGE) -> OrderConnection:
        newest = [("placed_at", -1), ("_id", -1)]
        found = _database[orders.stored_as].find({"customer.id": self.key}, sort=newest, limit=first)
        return OrderConnection(nodes=[_order(each) for each in await found.to_list(None)])


@strawberry.type
class Product:
    id: strawberry.ID
    sku: str
    name: str
    category: str
    packaging: str
    price: Money
    available: int
    in_stock: bool


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class ProductConnection:
    nodes: list[Product]
    page_info: PageInfo


@strawberry.input
class ProductFilter:
    categories: list[str]


@strawberry.input
class ProductSort:
    field: SortField


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, id: strawberry.ID) -> Order | None:
        found = await _database[orders.stored_as].find_one({"_id": key_in(id)})
        return _order(found) if found else None

    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:
        found = await _database[customers.stored_as].find_one({"_id": key_in(id)})
        return Customer(key=found["_id"]) if found else None

    @strawberry.field
    async def products(
        self, filter: ProductFilter, order_by: ProductSort, first: int = PAGE
    ) -> ProductConnection:
        found = await (
            _database[products.stored_as]
            .find(
                {"category": {"$in": filter.categories}},
                sort=[(order_by.field.value, 1), ("_id", 1)],
                limit=first + 1,
            )
            .to_list(None)
        )
        shown = found[:first]
        end = cursor(str(shown[-1]["price"]["amount"]), shown[-1]["_id"]) if shown else None
        return ProductConnection(
            nodes=[_product(each) for each in shown],
            page_info=PageInfo(has_next_page=len(found) > first, end_cursor=end),
        )


def _order(found: dict[str, Any]) -> Order:
    customer = found["customer"]
    return Order(
        id=strawberry.ID(global_id("Order", found["_id"])),
        version=found["version"],
        status=OrderStatus(found["status"]),
        placed_at=found["placed_at"],
        units=found["units"],
        subtotal=_money(found["subtotal"]),
        shipping_fee=_money(found["shipping_fee"]),
        total=_money(found["total"]),
        customer=OrderCustomer(
            customer_id=strawberry.ID(global_id("Customer", customer["id"])),
            name=customer["name"],
            company=customer["company"],
        ),
        lines=[
            OrderLine(
                sku=line["sku"],
                title=line["title"],
                packaging=line["packaging"],
                quantity=line["quantity"],
                discount=_decimal(line["discount"]),
                unit_price=_money(line["unit_price"]),
                total=_money(line["total"]),
            )
            for line in found["lines"]
        ],
    )


def _product(found: dict[str, Any]) -> Product:
    return Product(
        id=strawberry.ID(global_id("Product", found["_id"])),
        sku=found["sku"],
        name=found["name"],
        category=found["category"],
        packaging=found["packaging"],
        price=_money(found["price"]),
        available=found["available"],
        in_stock=found["in_stock"],
    )


def _money(found: dict[str, Any]) -> Money:
    return Money(amount=_decimal(found["amount"]), currency_code=found["currency_code"])


def _decimal(found: Decimal128) -> Decimal:
    return found.to_decimal()


_CACHES = [ParserCache, ValidationCache] if os.environ.get("WITH_CACHES") else []
app: GraphQL[None, None] = GraphQL(
    strawberry.Schema(Query, extensions=_CACHES, config=StrawberryConfig(scalar_map=SCALARS))
)
