"""Orders as clients read them: the order page, the back office's list, and both as they change."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast

import strawberry

from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.domain.orders.status import OrderStatus
from app.graphql.execution.context import Info
from app.read_models.order_details import order_details, orders
from app.read_models.order_list import OrderOrder, order_page, order_totals, orders_matching, rows
from schema.circle.conditions import refuse_reversed
from schema.circle.enums import describe
from schema.circle.ids import global_id, key_of
from schema.circle.listings import listing_field
from schema.circle.nodes import (
    AtLeast,
    Connection,
    Node,
    NodeId,
    SortDirection,
)
from schema.circle.parts import Part
from schema.circle.scalars import BigInt, Position
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from schema.values import Address, Money

describe(
    OrderStatus,
    "How far an order is.",
    {
        "PLACED": "Its stock is reserved.",
        "PAID": "The money is there.",
        "SHIPPED": "It has left the warehouse.",
        "CANCELLED": "It was called off before it was shipped; its stock is available again.",
    },
)
describe(
    OrderOrder,
    "What orders can be sorted by.",
    {"PLACED_AT": "When they were placed.", "TOTAL": "What they come to."},
    name="OrderSortField",
)


@strawberry.type(description="Who ordered, as they are now; nameless once the customer is closed.")
class OrderCustomer:
    """The customer as an order shows them."""

    name: str | None = strawberry.field(description="Their name.")
    company: str | None = strawberry.field(description="Their company.")

    @strawberry.field(description="The id of the `Customer`.")
    def customer_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """The id of the `Customer`."""
        return global_id("Customer", document["id"])


@strawberry.type(description="A line of an order, with title and price as they were when it was placed.")
class OrderLine:
    """What was ordered."""

    sku: str = strawberry.field(description="The product's SKU.")
    title: str = strawberry.field(description="The product's name then.")
    category: str = strawberry.field(description="The product's category then.")
    packaging: str = strawberry.field(description="The product's packaging then.")
    unit_price: Money = strawberry.field(description="The price of one unit then.")
    quantity: int = strawberry.field(description="How many units.")
    discount: Decimal = strawberry.field(description="The share taken off the price, from 0 to 1.")
    total: Money = strawberry.field(description="Unit price × quantity × (1 − discount), in whole cents.")

    @strawberry.field(description="The product's id.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """The id of the `Product`."""
        return global_id("Product", document["product_id"])


@strawberry.type(description="A step of an order's way.")
class OrderStep:
    """When it got a status, and through whom."""

    status: OrderStatus = strawberry.field(description="The status it got.")
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Through whom.")


@shows(orders, kinds=["order"])
@strawberry.type(description="An order, with all that its page shows.")
class Order(Node):
    """One document."""

    customer: OrderCustomer = strawberry.field(description="Who ordered.")
    ship_to: Address | None = strawberry.field(
        description="Where it goes; null without an address, and once the customer is closed."
    )
    lines: list[OrderLine] = strawberry.field(description="What was ordered, 1 to 100 lines.")
    units: int = strawberry.field(description="Units on all lines.")
    subtotal: Money = strawberry.field(description="The lines' totals.")
    shipping_fee: Money = strawberry.field(description="What sending costs.")
    total: Money = strawberry.field(description="Subtotal and shipping fee.")
    status: OrderStatus = strawberry.field(description="How far it is.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    shipped_at: datetime | None = strawberry.field(description="When it was shipped.")
    cancelled_at: datetime | None = strawberry.field(description="When it was called off.")
    cancel_reason: str | None = strawberry.field(description="Why it was called off.")
    timeline: list[OrderStep] = strawberry.field(description="Its way so far, oldest step first.")
    version: int = strawberry.field(description="Its version, for `expectedVersion`.")
    position: Position = strawberry.field(description="The event that changed this document last.")


@shows(rows)
@strawberry.type(description="An order as a row of the back office's list.")
class OrderSummary(Node):
    """One small document."""

    customer_name: str | None = strawberry.field(description="Who ordered, as they are called now.")
    status: OrderStatus = strawberry.field(description="How far it is.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    line_count: int = strawberry.field(description="How many lines it has.")
    units: int = strawberry.field(description="Units on all lines.")
    shipping_fee: Money = strawberry.field(description="What sending costs.")
    total: Money = strawberry.field(description="Lines and shipping fee.")
    version: int = strawberry.field(description="Its version, for `expectedVersion`.")
    position: Position = strawberry.field(description="The event that changed this document last.")

    @strawberry.field(description="The id of the `Order`, for its page and for mutations.")
    def order_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """Both have the same key."""
        return global_id("Order", document["_id"])

    @strawberry.field(description="The id of the `Customer`.")
    def customer_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """From the row itself."""
        return global_id("Customer", document["customer_id"])


@strawberry.type(description="What the matching orders come to, cancelled ones included if they match.")
class OrderTotals:
    """Sums over all pages."""

    orders: int = strawberry.field(description="How many orders.")
    units: BigInt = strawberry.field(description="Units on all their lines.")
    revenue: Money = strawberry.field(description="Their lines' totals, without shipping fees.")
    shipping_fees: Money = strawberry.field(description="Their shipping fees.")
    total: Money = strawberry.field(description="Both together.")


@strawberry.type(description="A page of orders.")
class OrderConnection(Connection[Order]):
    """Orders with all that their pages show."""


@strawberry.type(description="A page of the list of orders.")
class OrderSummaryConnection(Connection[OrderSummary]):
    """Rows, and sums over all that match."""

    @strawberry.field(description="Sums over all matching orders.")
    async def totals(self, info: Info) -> OrderTotals | None:
        """One aggregation, only where it is asked for."""
        [found] = await info.context.reading.aggregate(rows, order_totals(self.page.listing.filter))
        return cast("OrderTotals", found)


@strawberry.input(description="Which orders; all conditions together.")
class OrderFilter:
    """Every condition has an index."""

    status: list[OrderStatus] | None = strawberry.field(default=None, description="In any of these states.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="Of this customer.")
    placed_from: datetime | None = strawberry.field(default=None, description="Placed at or after.")
    placed_to: datetime | None = strawberry.field(default=None, description="Placed before.")
    total_from: Decimal | None = strawberry.field(default=None, description="Coming to at least so much.")
    total_to: Decimal | None = strawberry.field(default=None, description="Coming to at most so much.")

    def matching(self) -> Any:
        """Return the read model's own filter; raise `BadArgument` and `BadId`."""
        refuse_reversed(("placedFrom", "placedTo"), self.placed_from, self.placed_to)
        refuse_reversed(("totalFrom", "totalTo"), self.total_from, self.total_to)
        return orders_matching(
            status=[status.value for status in self.status] if self.status is not None else None,
            customer_id=(str(key_of("Customer", self.customer_id)) if self.customer_id is not None else None),
            placed_from=self.placed_from,
            placed_to=self.placed_to,
            total_from=self.total_from,
            total_to=self.total_to,
        )


@strawberry.input(description="How orders are sorted.")
class OrderSort:
    """A field and a direction."""

    field: OrderOrder = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class OrdersQuery:
    """Reads of order details and order list."""

    @strawberry.field(description="An order by its id; null where there is none.")
    async def order(self, info: Info, id: NodeId, at_least: AtLeast = None) -> Order | None:
        """One find by key."""
        key, tokens = key_of("Order", id), await info.context.tokens(at_least)
        return cast(
            "Order | None", await info.context.reading.get(orders, str(key), tokens, fields=info.shown)
        )

    @listing_field(OrderSummaryConnection, description="The list of all orders, for the back office.")
    def orders(
        self,
        filter: Annotated[OrderFilter | None, strawberry.argument(description="Which; or all.")] = None,
        order_by: Annotated[
            OrderSort | None, strawberry.argument(description="In which order; newest first if null.")
        ] = None,
    ) -> Listing:
        """Return what is listed, for one find."""
        order = order_by or OrderSort(field=OrderOrder.PLACED_AT, direction=SortDirection.DESC)
        matching = filter.matching() if filter else {}
        return order_page(matching, order.field, descending=order.direction is SortDirection.DESC)


@strawberry.type(description="A new state of an order.")
class OrderUpdate(Update):
    """What `orderUpdated` and `customerOrdersUpdated` send."""

    order: Order = strawberry.field(description="The order as it is now.")


@strawberry.type
class OrdersSubscription:
    """Orders as they change."""

    @strawberry.subscription(description="An order now, or once it is there, then each new state of it.")
    async def order_updated(self, info: Info, id: NodeId, after: Resume = None) -> AsyncIterator[OrderUpdate]:
        """Follows one document."""
        key = str(key_of("Order", id))
        followed = topic(order_details.name, document=key)
        async with aclosing(follow(info, orders, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield OrderUpdate(order=cast("Order", state.document), **state.shown)

    @strawberry.subscription(description="A customer's orders now, then each new state of any of them.")
    async def customer_orders_updated(
        self, info: Info, customer_id: NodeId, after: Resume = None
    ) -> AsyncIterator[OrderUpdate]:
        """Follows all documents about the customer."""
        key = str(key_of("Customer", customer_id))
        followed = topic(order_details.name, about=key)
        async with aclosing(follow(info, orders, {"customer.id": key}, followed, after)) as states:
            async for state in states:
                yield OrderUpdate(order=cast("Order", state.document), **state.shown)


PART = Part(query=OrdersQuery, subscription=OrdersSubscription)
