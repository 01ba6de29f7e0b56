"""Conditions and sort orders for lists of orders: of all of them, and of a customer's."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from app.cqrs.documents.days import Days
from app.cqrs.documents.read_model import Filter
from app.cqrs.reading.pages import Listing
from app.domain.orders.status import OrderStatus
from app.read_models import order_details
from app.read_models.order_details import orders_of_customer
from app.read_models.order_list import OrderOrder, orders_matching
from schema.circle.conditions import MATCH_ALL, ORDER_DIRECTION, ORDER_FIELD, refuse_reversed
from schema.circle.days import DayRange, moments_within
from schema.circle.enums import describe
from schema.circle.ids import key_of
from schema.circle.nodes import SortDirection

describe(
    OrderStatus,
    "The status of an order.",
    {
        "PLACED": "The order was placed, and its stock is reserved.",
        "PAID": "The order was paid, and can be shipped.",
        "SHIPPED": "The order was shipped, and its stock has left the warehouse.",
        "CANCELLED": "The order was cancelled before it was shipped, and its stock is available again.",
    },
)
describe(
    OrderOrder,
    "The values by which orders can be sorted.",
    {
        "PLACED_AT": "The time at which the order was placed.",
        "TOTAL": "The total, shipping fee included.",
    },
    name="OrderSortField",
)


@strawberry.input
class _AnyOrderFilter:
    status: list[OrderStatus] | None = strawberry.field(
        default=None, description="Statuses, of which the order must have one."
    )
    product_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of a product that the order must have on one of its lines."
    )
    placed_from: datetime | None = strawberry.field(
        default=None, description="The earliest time of placing, inclusive."
    )
    placed_to: datetime | None = strawberry.field(
        default=None, description="The latest time of placing, exclusive."
    )
    placed_on: DayRange | None = strawberry.field(
        default=None, description="The days of which the order must have been placed on one."
    )
    total_from: Decimal | None = strawberry.field(
        default=None, description="The lowest total, inclusive; shipping fees count."
    )
    total_to: Decimal | None = strawberry.field(
        default=None, description="The highest total, inclusive; shipping fees count."
    )

    def criteria(self, days: Days) -> dict[str, Any]:
        """Return these conditions as read models take them; raise `BadArgument` or `BadId`."""
        refuse_reversed(("placedFrom", "placedTo"), self.placed_from, self.placed_to)
        refuse_reversed(("totalFrom", "totalTo"), self.total_from, self.total_to)
        earliest, end = moments_within(self.placed_on, days, earliest=self.placed_from, end=self.placed_to)
        return {
            "status": None if self.status is None else [status.value for status in self.status],
            "product_id": None if self.product_id is None else str(key_of("Product", self.product_id)),
            "placed_from": earliest,
            "placed_to": end,
            "total_from": self.total_from,
            "total_to": self.total_to,
        }


@strawberry.input(description=f"Conditions on orders. {MATCH_ALL}")
class OrderFilter(_AnyOrderFilter):
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of the customer who placed the order."
    )

    def matching(self, days: Days) -> Filter:
        """Return these conditions as a filter of the list; raise `BadArgument` or `BadId`."""
        customer = None if self.customer_id is None else str(key_of("Customer", self.customer_id))
        return orders_matching(customer_id=customer, **self.criteria(days))


@strawberry.input(description=f"Conditions on the orders of one customer. {MATCH_ALL}")
class CustomerOrderFilter(_AnyOrderFilter): ...


@strawberry.input(description="The sort order of a list of orders.")
class OrderSort:
    field: OrderOrder = strawberry.field(description=ORDER_FIELD)
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description=ORDER_DIRECTION)


NEWEST_FIRST = OrderSort(field=OrderOrder.PLACED_AT, direction=SortDirection.DESC)


def listed_for(
    customer: str, filter: CustomerOrderFilter | None, sort: OrderSort | None, days: Days
) -> Listing:
    """Return the listing of a customer's orders; raise `BadArgument` or `BadId`."""
    order = sort or NEWEST_FIRST
    return orders_of_customer(
        customer,
        order_details.OrderOrder(order.field.value),
        descending=order.direction is SortDirection.DESC,
        **(filter.criteria(days) if filter else {}),
    )
