"""Orders as clients read them: by id, in the list of the back office, and as they change."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry

from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import Sight
from app.domain.orders.status import OrderStatus
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from app.read_models.customer_overview import customers
from app.read_models.order_details import order_details, orders
from app.read_models.order_list import order_page, order_totals, rows
from app.read_models.product_listing import products
from schema.catalog import Product
from schema.circle.ids import global_id, key_of
from schema.circle.listings import listing_field
from schema.circle.live.lists import ListUpdate, live_list_field
from schema.circle.nodes import (
    LAST_POSITION,
    VERSION,
    AtLeast,
    Connection,
    Node,
    NodeId,
    SortDirection,
    linked,
    read_one,
)
from schema.circle.parts import Part
from schema.circle.scalars import BigInt, Position
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from schema.filters.orders import NEWEST_FIRST, OrderFilter, OrderSort
from schema.values import Address, Money

if TYPE_CHECKING:
    from schema.customers import Customer

LinkedCustomer = Annotated["Customer", strawberry.lazy("schema.customers")]
"""The type `Customer`, whose module imports this one, because customers have orders."""

CUSTOMER_ID = "The global id of the `Customer`."
PLACED_AT = "The time at which the order was placed, in UTC."
UNITS = "The number of units on all lines."


@strawberry.type(description="The customer of an order, with the details of today.")
class OrderCustomer:
    name: str | None = strawberry.field(
        description="The current name of the customer; null once the customer is closed."
    )
    company: str | None = strawberry.field(
        description="The current company of the customer; null if none is given, and once the customer is "
        "closed."
    )

    @strawberry.field(description=CUSTOMER_ID)
    def customer_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Customer", document["id"])

    @strawberry.field(description="The customer with all their details; null if you may not see them.")
    async def customer(document: strawberry.Parent[Any], info: Info) -> LinkedCustomer | None:
        return cast("Customer | None", await linked(info, customers, document["id"]))


@strawberry.type(description="A line of an order, with the details of the product when it was ordered.")
class OrderLine:
    sku: str = strawberry.field(description="The SKU of the product.")
    title: str = strawberry.field(description="The name of the product when it was ordered.")
    category: str = strawberry.field(description="The category of the product when it was ordered.")
    packaging: str = strawberry.field(description="The packaging of the product when it was ordered.")
    unit_price: Money = strawberry.field(description="The price of one unit when it was ordered.")
    quantity: int = strawberry.field(description="The number of units.")
    discount: Decimal = strawberry.field(
        description='The discount as a share of the price, from 0 to 1, such as "0.15".'
    )
    total: Money = strawberry.field(
        description="The unit price × quantity × (1 − discount), rounded half to even to whole cents: 0.125 "
        "becomes 0.12, and 0.135 becomes 0.14."
    )

    @strawberry.field(description="The global id of the `Product`.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Product", document["product_id"])

    @strawberry.field(description="The product as it is now, with its current price and stock.")
    async def product(document: strawberry.Parent[Any], info: Info) -> Product | None:
        return cast("Product | None", await linked(info, products, document["product_id"]))


@strawberry.type(description="A change of an order's status.")
class OrderStep:
    status: OrderStatus = strawberry.field(description="The status that the order reached.")
    at: datetime = strawberry.field(description="The time at which the order reached it, in UTC.")
    actor: str = visible_to(Sight.STAFF, otherwise="")(
        strawberry.field(description="The actor on whose behalf the command was sent.")
    )


@shows(orders, kinds=["order"])
@strawberry.type(description="An order with its lines, amounts and history.")
class Order(Node):
    customer: OrderCustomer = strawberry.field(description="The customer who placed the order.")
    ship_to: Address | None = strawberry.field(
        description="The address to ship to; null if none was given, and once the customer is closed."
    )
    lines: list[OrderLine] = strawberry.field(description="The lines of the order, 1 to 100.")
    units: int = strawberry.field(description=UNITS)
    subtotal: Money = strawberry.field(
        description="The sum of the line totals, each of which was rounded on its own, without the shipping "
        "fee."
    )
    shipping_fee: Money = strawberry.field(description="The shipping fee, included in the total.")
    total: Money = strawberry.field(description="The total amount: the subtotal plus the shipping fee.")
    status: OrderStatus = strawberry.field(description="The current status of the order.")
    placed_at: datetime = strawberry.field(description=PLACED_AT)
    paid_at: datetime | None = strawberry.field(
        description="The time at which the order was paid, in UTC; null if it has not been paid."
    )
    shipped_at: datetime | None = strawberry.field(
        description="The time at which the order was shipped, in UTC; null if it has not been shipped."
    )
    cancelled_at: datetime | None = strawberry.field(
        description="The time at which the order was cancelled, in UTC; null if it is not cancelled."
    )
    cancel_reason: str | None = strawberry.field(
        description="The reason for the cancellation; empty if none was given, null if the order is not "
        "cancelled, and once the customer was forgotten."
    )
    timeline: list[OrderStep] = strawberry.field(
        description="The changes of the order's status, oldest first."
    )
    version: int = strawberry.field(description=VERSION.format("order"))
    position: Position = strawberry.field(description=LAST_POSITION)

    @visible_to(Sight.STAFF)
    @strawberry.field(description="The actor on whose behalf the order was placed.")
    def placed_by(document: strawberry.Parent[Any]) -> str | None:
        return str(document["timeline"][0]["actor"])


@shows(rows)
@strawberry.type(description="An order as a row of the list for the back office.")
class OrderSummary(Node):
    customer_name: str | None = strawberry.field(
        description="The current name of the customer; null once the customer is closed."
    )
    status: OrderStatus = strawberry.field(description="The current status of the order.")
    placed_at: datetime = strawberry.field(description=PLACED_AT)
    line_count: int = strawberry.field(description="The number of lines.")
    units: int = strawberry.field(description=UNITS)
    shipping_fee: Money = strawberry.field(description="The shipping fee, included in the total.")
    total: Money = strawberry.field(description="The total amount: the lines plus the shipping fee.")
    version: int = strawberry.field(description=VERSION.format("order"))
    position: Position = strawberry.field(description=LAST_POSITION)

    @strawberry.field(description="The global id of the `Order`, for its page and for mutations.")
    def order_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Order", document["_id"])

    @strawberry.field(description="The order with its lines, amounts and history.")
    async def order(document: strawberry.Parent[Any], info: Info) -> Order | None:
        return cast("Order | None", await linked(info, orders, document["_id"]))

    @strawberry.field(description=CUSTOMER_ID)
    def customer_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Customer", document["customer_id"])

    @strawberry.field(description="The customer who placed the order; null if you may not see them.")
    async def customer(document: strawberry.Parent[Any], info: Info) -> LinkedCustomer | None:
        return cast("Customer | None", await linked(info, customers, document["customer_id"]))


@strawberry.type(
    description="Sums over the orders that match a filter, on all pages. Cancelled orders are included "
    "unless the filter leaves them out."
)
class OrderTotals:
    orders: int = strawberry.field(description="The number of orders.")
    units: BigInt = strawberry.field(description="The number of units on all lines of these orders.")
    revenue: Money = strawberry.field(
        description="The sum of the line totals, each of which was rounded on its own, without shipping fees."
    )
    shipping_fees: Money = strawberry.field(description="The sum of the shipping fees.")
    total: Money = strawberry.field(description="The sum of revenue and shipping fees.")


@strawberry.type(description="A page of orders.")
class OrderConnection(Connection[Order]): ...


@strawberry.type(description="A page of the list of orders.")
class OrderSummaryConnection(Connection[OrderSummary]):
    @strawberry.field(description="Sums over all matching orders, on all pages.")
    async def totals(self, info: Info) -> OrderTotals | None:
        [found] = await info.context.reading.aggregate(rows, order_totals(self.page.listing.filter))
        return cast("OrderTotals", found)


@strawberry.type
class OrdersQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(description="The order with this id; null if there is none.")
    async def order(self, info: Info, id: NodeId, at_least: AtLeast = None) -> Order | None:
        return cast("Order | None", await read_one(info, orders, key_of("Order", id), at_least))

    @visible_to(Sight.ANONYMOUS)
    @listing_field(OrderSummaryConnection, description="All orders as rows of a list, for the back office.")
    def orders(
        self,
        info: Info,
        filter: Annotated[
            OrderFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all orders are returned."
            ),
        ] = None,
        order_by: Annotated[
            OrderSort | None,
            strawberry.argument(
                description="The sort order. The default is by time of placing, newest first."
            ),
        ] = None,
    ) -> Listing:
        order = order_by or NEWEST_FIRST
        matching = filter.matching(info.context.days) if filter else {}
        return order_page(matching, order.field, descending=order.direction is SortDirection.DESC)


@strawberry.type(
    description="An item of the subscriptions `orderUpdated` and `customerOrdersUpdated`: a state of an "
    "order."
)
class OrderUpdate(Update):
    order: Order = strawberry.field(description="The order in this state.")


@strawberry.type(
    description="An item of the subscription `ordersUpdated`: the list of orders, or what has changed in it."
)
class OrdersUpdate(ListUpdate[OrderSummary]): ...


@strawberry.type
class OrdersSubscription:
    orders_updated = visible_to(Sight.ANONYMOUS)(
        live_list_field(
            OrdersUpdate,
            OrdersQuery,
            "orders",
            description="The first rows of the list `orders` as they are now, then what enters the list, "
            "changes in it, moves and leaves. Each item leads to the list as `orders` shows it.",
        )
    )

    @visible_to(Sight.ANONYMOUS)
    @strawberry.subscription(
        description="The states of an order: the current one, or the first one as soon as the order exists, "
        "then each new one."
    )
    async def order_updated(self, info: Info, id: NodeId, after: Resume = None) -> AsyncIterator[OrderUpdate]:
        key = str(key_of("Order", id))
        followed = topic(order_details.name, document=key)
        async with aclosing(follow(info, orders, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield OrderUpdate(order=cast("Order", state.document), **state.shown)

    @visible_to(Sight.ANONYMOUS)
    @strawberry.subscription(
        description="The states of a customer's orders: the current one of each order, then each new one."
    )
    async def customer_orders_updated(
        self, info: Info, customer_id: NodeId, after: Resume = None
    ) -> AsyncIterator[OrderUpdate]:
        key = str(key_of("Customer", customer_id))
        followed = topic(order_details.name, about=key)
        async with aclosing(follow(info, orders, {"customer.id": key}, followed, after)) as states:
            async for state in states:
                yield OrderUpdate(order=cast("Order", state.document), **state.shown)


PART = Part(query=OrdersQuery, subscription=OrdersSubscription)
