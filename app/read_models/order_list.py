"""The list of orders for the back office, with totals of any selection."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.audiences import owner_at
from app.cqrs.documents.plain import plain
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import Change, Filter, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from app.domain.customers.events import CustomerClosed, CustomerForgotten, CustomerUpdated
from app.domain.orders.events import OrderCancelled, OrderPaid, OrderPlaced, OrderShipped
from app.values import CURRENCY, ZERO

order_list = ReadModel(
    "order_list",
    description="The list of orders for the back office.",
    also_reads=("ff1a928d",),  # Nobody was forgotten in those, and nothing else is different.
)


class OrderRow(TypedDict):
    """An order as one row of a table."""

    _id: str
    position: int
    version: int
    customer_id: str
    customer_name: str | None
    """The customer's current name; `None` once the customer is closed."""
    status: str
    placed_at: datetime
    product_ids: list[str]
    """The products on the lines, each once."""
    line_count: int
    units: int
    shipping_fee: dict[str, Any]
    total: dict[str, Any]


class OrderOrder(Enum):
    """The fields by which orders can be sorted."""

    PLACED_AT = "placed_at"
    TOTAL = "total.amount"


rows = order_list.collection(
    seen_by=owner_at("customer_id"),
    indexes=[
        *((order.value, "_id") for order in OrderOrder),
        *(("status", order.value, "_id") for order in OrderOrder),
        *(("customer_id", order.value, "_id") for order in OrderOrder),
        *(("product_ids", order.value, "_id") for order in OrderOrder),
    ],
)


@order_list.on(OrderPlaced)
def placed(event: OrderPlaced, at: RecordedEvent) -> Iterator[Change]:
    """Add a row for a new order."""
    yield rows.put(
        event.order_id,
        {
            "version": at.stream_version,
            "customer_id": str(event.customer_id),
            "customer_name": event.personal.customer_name if event.personal else None,
            "status": "PLACED",
            "placed_at": event.placed_at,
            "product_ids": [*dict.fromkeys(str(line.product_id) for line in event.lines)],
            "line_count": len(event.lines),
            "units": sum(line.quantity for line in event.lines),
            "shipping_fee": plain(event.shipping_fee),
            "total": plain(event.total),
        },
        about=event.customer_id,
    )


@order_list.on(OrderPaid)
def paid(event: OrderPaid, at: RecordedEvent) -> Iterator[Change]:
    """Set the row's status to PAID."""
    yield _step(event, at, "PAID")


@order_list.on(OrderShipped)
def shipped(event: OrderShipped, at: RecordedEvent) -> Iterator[Change]:
    """Set the row's status to SHIPPED."""
    yield _step(event, at, "SHIPPED")


@order_list.on(OrderCancelled)
def cancelled(event: OrderCancelled, at: RecordedEvent) -> Iterator[Change]:
    """Set the row's status to CANCELLED; the amounts remain."""
    yield _step(event, at, "CANCELLED")


@order_list.on(CustomerUpdated)
def customer_renamed(event: CustomerUpdated, _at: RecordedEvent) -> Iterator[Change]:
    """Set the customer's current name in all rows of their orders."""
    yield _all_of_customer(event.customer_id, event.personal.name if event.personal else None)


@order_list.on(CustomerClosed)
def customer_closed(event: CustomerClosed, _at: RecordedEvent) -> Iterator[Change]:
    """Remove the customer's name from all rows of their orders."""
    yield _all_of_customer(event.customer_id, None)


@order_list.on(CustomerForgotten)
def customer_forgotten(event: CustomerForgotten, _at: RecordedEvent) -> Iterator[Change]:
    """Remove the customer's name from all rows of their orders, also from those that have none.

    In a rebuild, after the key is gone, none has any, and the positions of documents would otherwise differ.
    """
    theirs = {"customer_id": str(event.customer_id)}
    yield rows.update_where(theirs, {"$set": {"customer_name": None}}, about=event.customer_id)


def orders_matching(
    *,
    status: Sequence[str] | None = None,
    customer_id: str | None = None,
    product_id: str | None = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
    total_from: Decimal | None = None,
    total_to: Decimal | None = None,
) -> Filter:
    """Return the filter for orders that match all given criteria.

    `placed_to` is exclusive; `placed_from`, `total_from` and `total_to` are inclusive.
    """
    filter: dict[str, Any] = {}
    # The first condition decides which new orders make a kept list stale: see `app/cqrs/reading/sources.py`.
    if customer_id is not None:
        filter["customer_id"] = customer_id
    if product_id is not None:
        filter["product_ids"] = product_id
    if status is not None:
        filter["status"] = {"$in": list(status)}
    filter |= in_range("placed_at", at_least=placed_from, before=placed_to)
    filter |= in_range("total.amount", at_least=total_from, at_most=total_to)
    return filter


def order_page(filter: Filter, order: OrderOrder, *, descending: bool = False) -> Listing:
    """Return the listing of the matching orders, sorted by one field."""
    return Listing(rows, filter, [f"-{order.value}" if descending else order.value])


def order_totals(filter: Filter) -> list[dict[str, Any]]:
    """Return the pipeline that sums up the matching orders in one document, even if there are none.

    Cancelled orders count if `filter` selects them. Revenue is the sum of the lines, without shipping fees.
    """
    sums = {
        "_id": None,
        "orders": {"$sum": 1},
        "units": {"$sum": "$units"},
        "revenue": {"$sum": {"$subtract": ["$total.amount", "$shipping_fee.amount"]}},
        "shipping_fees": {"$sum": "$shipping_fee.amount"},
        "total": {"$sum": "$total.amount"},
    }
    nothing = {"orders": 0, "units": 0, **dict.fromkeys(("revenue", "shipping_fees", "total"), ZERO.amount)}
    return [
        {"$match": filter},
        {"$facet": {"sums": [{"$group": sums}]}},
        {"$replaceWith": {"$mergeObjects": [nothing, {"$first": "$sums"}]}},
        {
            "$project": {
                "_id": 0,
                "orders": 1,
                "units": 1,
                "revenue": {"amount": "$revenue", "currency_code": CURRENCY},
                "shipping_fees": {"amount": "$shipping_fees", "currency_code": CURRENCY},
                "total": {"amount": "$total", "currency_code": CURRENCY},
            }
        },
    ]


def _step(event: OrderPaid | OrderShipped | OrderCancelled, at: RecordedEvent, status: str) -> Change:
    changed = {"version": at.stream_version, "status": status}
    return rows.update(
        event.order_id,
        {"$set": changed},
        known={"customer_id": str(event.customer_id)},
        about=event.customer_id,
    )


def _all_of_customer(customer_id: object, name: str | None) -> Change:
    theirs = {"customer_id": str(customer_id), "customer_name": {"$ne": name}}
    return rows.update_where(theirs, {"$set": {"customer_name": name}}, about=customer_id)
