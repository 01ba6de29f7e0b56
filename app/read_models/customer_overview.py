"""The customers' register: who are they, and what have they bought?"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.read_model import Change, Filter, ReadModel, plain
from app.cqrs.documents.words import folded, found_by, words
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from app.domain.customers.events import (
    CustomerClosed,
    CustomerDetails,
    CustomerRegistered,
    CustomerUpdated,
)
from app.domain.orders.events import OrderCancelled, OrderPlaced
from app.values import ZERO

customer_overview = ReadModel(
    "customer_overview", description="The customers, each with a summary of their orders."
)


class LastOrder(TypedDict):
    """The newest order, by the time it was placed."""

    placed_at: datetime
    id: str


class CustomerDocument(TypedDict):
    """A customer, with what their orders come to."""

    _id: str
    position: int
    version: int
    name: str | None
    company: str | None
    email: str | None
    phone: str | None
    address: dict[str, Any] | None
    sort_name: str
    words: list[str]
    closed: bool
    registered_at: datetime
    order_count: int
    """Orders that were not cancelled."""
    lifetime_spend: dict[str, Any]
    """Their totals, shipping fees included."""
    last_order: LastOrder | None
    """Stays when that order is cancelled."""


class CustomerOrder(Enum):
    """What customers can be sorted by."""

    NAME = "sort_name"
    LIFETIME_SPEND = "lifetime_spend.amount"
    ORDERS = "order_count"
    REGISTERED_AT = "registered_at"


customers = customer_overview.collection(
    indexes=[
        *((order.value, "_id") for order in CustomerOrder),
        *(("closed", order.value, "_id") for order in CustomerOrder),
        ("words",),
    ]
)


@customer_overview.on(CustomerRegistered)
def registered(event: CustomerRegistered, at: RecordedEvent) -> Iterator[Change]:
    """A new customer has not ordered yet."""
    yield customers.put(
        event.customer_id,
        {
            "version": at.stream_version,
            "closed": False,
            "registered_at": at.occurred_at,
            "order_count": 0,
            "lifetime_spend": plain(ZERO),
            "last_order": None,
            **_described(event.personal),
        },
    )


@customer_overview.on(CustomerUpdated)
def updated(event: CustomerUpdated, at: RecordedEvent) -> Iterator[Change]:
    """The customer's details, and what they are found by."""
    changed = {"version": at.stream_version, **_described(event.personal)}
    yield customers.update(event.customer_id, {"$set": changed})


@customer_overview.on(CustomerClosed)
def closed(event: CustomerClosed, at: RecordedEvent) -> Iterator[Change]:
    """The figures stay, the person leaves them."""
    nobody = {"name": None, "company": None, "email": None, "phone": None, "address": None}
    not_found = {"sort_name": "", "words": []}
    changed = {"version": at.stream_version, "closed": True, **nobody, **not_found}
    yield customers.update(event.customer_id, {"$set": changed})


@customer_overview.on(OrderPlaced)
def ordered(event: OrderPlaced, _at: RecordedEvent) -> Iterator[Change]:
    """One order more; history may be loaded in any order, so the last one is the latest placed."""
    last = {"placed_at": event.placed_at, "id": str(event.order_id)}  # compared in this order
    bought = {"order_count": 1, "lifetime_spend.amount": event.total.amount}
    yield customers.update(event.customer_id, {"$inc": bought, "$max": {"last_order": last}})


@customer_overview.on(OrderCancelled)
def called_off(event: OrderCancelled, _at: RecordedEvent) -> Iterator[Change]:
    """One order less."""
    bought = {"order_count": -1, "lifetime_spend.amount": -event.total.amount}
    yield customers.update(event.customer_id, {"$inc": bought})


def customers_matching(*, search: str | None = None, closed: bool | None = None) -> Filter:
    """The customers that fit everything that is given; words of `search` match the beginnings of words."""
    filter: dict[str, Any] = {}
    if search is not None:
        filter["$and"] = found_by(search)
    if closed is not None:
        filter["closed"] = closed
    return filter


def customer_page(filter: Filter, order: CustomerOrder, *, descending: bool = False) -> Listing:
    """Customers in an order."""
    return Listing(customers, filter, [f"-{order.value}" if descending else order.value])


def _described(personal: CustomerDetails) -> dict[str, Any]:
    return {
        **plain(personal),
        "sort_name": folded(personal.name),
        "words": words(personal.name, personal.company, personal.email),
    }
