"""The order page: an order with its customer, lines, totals, status and timeline."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID

from app.cqrs.documents.audiences import owner_at
from app.cqrs.documents.plain import plain
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.personal import ActorForgotten, erased_name
from app.cqrs.reading.pages import Listing
from app.domain.customers.events import CustomerClosed, CustomerForgotten, CustomerUpdated
from app.domain.orders.events import OrderCancelled, OrderPaid, OrderPlaced, OrderShipped
from app.values import ZERO

order_details = ReadModel(
    "order_details",
    description="The orders as their pages show them, with lines and history.",
    also_reads=("461ffaef", "82cd6084"),  # No actor, or nobody, was forgotten in those.
)


class CustomerOfOrder(TypedDict):
    """The order's customer, with their current name; `None` once the customer is closed."""

    id: str
    name: str | None
    company: str | None


class LineOfOrder(TypedDict):
    """A line of the order, with the title and price at the time when the order was placed."""

    product_id: str
    sku: str
    title: str
    category: str
    packaging: str
    unit_price: dict[str, Any]
    quantity: int
    discount: Decimal
    total: dict[str, Any]


class StepOfOrder(TypedDict):
    """A change of the order's status, with its time and actor."""

    status: str
    at: datetime
    actor: str
    person: str | None
    """The person with whom the actor's name is forgotten."""


class OrderDocument(TypedDict):
    """An order on its page."""

    _id: str
    position: int
    version: int
    customer: CustomerOfOrder
    ship_to: dict[str, Any] | None
    """The address at the time when the order was placed; `None` once the customer is closed."""
    lines: list[LineOfOrder]
    units: int
    subtotal: dict[str, Any]
    shipping_fee: dict[str, Any]
    total: dict[str, Any]
    status: str
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    timeline: list[StepOfOrder]


class OrderOrder(Enum):
    """The fields by which a customer's orders can be sorted."""

    PLACED_AT = "placed_at"
    TOTAL = "total.amount"


_NOBODY = {"customer.name": None, "customer.company": None, "ship_to": None}


orders = order_details.collection(
    seen_by=owner_at("customer.id"),
    indexes=[
        *(("customer.id", order.value, "_id") for order in OrderOrder),
        ("timeline.person",),  # by it the orders are found that a forgotten actor has changed
        ("customer.id", "position", "_id"),  # for subscriptions to a customer's orders, which resume by it
    ],
)


@order_details.on(OrderPlaced)
def placed(event: OrderPlaced, at: RecordedEvent) -> Iterator[Change]:
    """Add an order with its lines, which never change."""
    personal = event.personal
    yield orders.put(
        event.order_id,
        {
            "version": at.stream_version,
            "customer": {
                "id": str(event.customer_id),
                "name": personal.customer_name if personal else None,
                "company": personal.company if personal else None,
            },
            "ship_to": plain(personal.ship_to if personal else None),
            "lines": [plain(line) for line in event.lines],
            "units": sum(line.quantity for line in event.lines),
            "subtotal": plain(sum((line.total for line in event.lines), ZERO)),
            "shipping_fee": plain(event.shipping_fee),
            "total": plain(event.total),
            "status": "PLACED",
            "placed_at": event.placed_at,
            "paid_at": None,
            "shipped_at": None,
            "cancelled_at": None,
            "cancel_reason": None,
            "timeline": [_entry("PLACED", event.placed_at, at)],
        },
        about=event.customer_id,
    )


@order_details.on(OrderPaid)
def paid(event: OrderPaid, at: RecordedEvent) -> Iterator[Change]:
    """Set the status to PAID, and add that to the timeline."""
    moment = event.paid_at or at.occurred_at
    yield _step(event, at, "PAID", moment, paid_at=moment)


@order_details.on(OrderShipped)
def shipped(event: OrderShipped, at: RecordedEvent) -> Iterator[Change]:
    """Set the status to SHIPPED, and add that to the timeline."""
    moment = event.shipped_at or at.occurred_at
    yield _step(event, at, "SHIPPED", moment, shipped_at=moment)


@order_details.on(OrderCancelled)
def cancelled(event: OrderCancelled, at: RecordedEvent) -> Iterator[Change]:
    """Set the status to CANCELLED with its reason, and add that to the timeline; the lines remain."""
    moment = event.cancelled_at or at.occurred_at
    yield _step(event, at, "CANCELLED", moment, cancelled_at=moment, cancel_reason=event.reason)


@order_details.on(CustomerUpdated)
def customer_renamed(event: CustomerUpdated, _at: RecordedEvent) -> Iterator[Change]:
    """Set the customer's current name and company in all their orders; shipping addresses remain."""
    name = {
        "customer.name": event.personal.name if event.personal else None,
        "customer.company": event.personal.company if event.personal else None,
    }
    yield _all_of_customer(event.customer_id, name)


@order_details.on(CustomerClosed)
def customer_closed(event: CustomerClosed, _at: RecordedEvent) -> Iterator[Change]:
    """Remove the customer's name and addresses from all their orders."""
    yield _all_of_customer(event.customer_id, _NOBODY)


@order_details.on(CustomerForgotten)
def customer_forgotten(event: CustomerForgotten, _at: RecordedEvent) -> Iterator[Change]:
    """Remove all personal data from all orders of the customer, with the reasons of cancellations.

    Each of them changes, also one that has none: in a rebuild, after the key is gone, none of them has any,
    and the documents would otherwise differ in their positions.
    """
    nobody = {"$set": {**_NOBODY, "cancel_reason": None}}
    theirs = {"customer.id": str(event.customer_id)}
    yield orders.update_where(theirs, nobody, about=event.customer_id)
    yield _without_name(event.customer_id)


@order_details.on(ActorForgotten)
def actor_forgotten(event: ActorForgotten, _at: RecordedEvent) -> Iterator[Change]:
    """Replace the actor's name in the timelines of all orders that they have changed."""
    yield _without_name(event.person)


def orders_of_customer(
    customer_id: str,
    order: OrderOrder = OrderOrder.PLACED_AT,
    *,
    descending: bool = True,
    status: Sequence[str] | None = None,
    product_id: str | None = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
    total_from: Decimal | None = None,
    total_to: Decimal | None = None,
) -> Listing:
    """Return the listing of a customer's orders that match all given criteria, by default newest first.

    `placed_to` is exclusive; `placed_from`, `total_from` and `total_to` are inclusive.
    """
    filter: dict[str, Any] = {"customer.id": customer_id}
    if status is not None:
        filter["status"] = {"$in": list(status)}
    if product_id is not None:
        filter["lines.product_id"] = product_id
    filter |= in_range("placed_at", at_least=placed_from, before=placed_to)
    filter |= in_range("total.amount", at_least=total_from, at_most=total_to)
    return Listing(orders, filter, [f"-{order.value}" if descending else order.value])


def _step(
    event: OrderPaid | OrderShipped | OrderCancelled,
    at: RecordedEvent,
    status: str,
    moment: datetime,
    **changed: Any,
) -> Change:
    update = {
        "$set": {"version": at.stream_version, "status": status, **changed},
        "$push": {"timeline": _entry(status, moment, at)},
    }
    return orders.update(event.order_id, update, about=event.customer_id)


def _entry(status: str, moment: datetime, at: RecordedEvent) -> StepOfOrder:
    person = str(at.actor_person) if at.actor_person else None
    return {"status": status, "at": moment, "actor": at.actor, "person": person}


def _without_name(person: UUID) -> Change:
    return orders.update_where(
        {"timeline.person": str(person)},
        {"$set": {"timeline.$[step].actor": erased_name(person)}},
        array_filters=[{"step.person": str(person)}],
    )


def _all_of_customer(customer_id: object, changed: dict[str, Any]) -> Change:
    # Orders that have these values already stay unchanged, such as after a change of the phone number.
    other = [{path: {"$ne": value}} for path, value in changed.items()]
    theirs = {"customer.id": str(customer_id), "$or": other}
    return orders.update_where(theirs, {"$set": changed}, about=customer_id)
