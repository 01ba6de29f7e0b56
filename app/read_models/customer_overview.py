"""The register of customers, each with a summary of their orders."""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.audiences import NOTHING, owner_at
from app.cqrs.documents.plain import plain
from app.cqrs.documents.read_model import RELEVANCE, Change, Filter, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from app.cqrs.searching.entries import NOT_FOUND, SEARCH_INDEXES, search_entries
from app.cqrs.searching.letters import folded
from app.cqrs.searching.search import Search
from app.domain.customers.events import (
    CustomerClosed,
    CustomerDetails,
    CustomerForgotten,
    CustomerRegistered,
    CustomerUpdated,
)
from app.domain.orders.events import OrderCancelled, OrderPlaced
from app.values import ZERO, email_key

customer_overview = ReadModel(
    "customer_overview",
    description="The customers, each with a summary of their orders.",
    also_reads=("a7ee2727", "8c3da04e"),  # Nobody was forgotten in the first; indexes are different.
)


class LastOrder(TypedDict):
    """The order of a customer with the latest time of placing."""

    placed_at: datetime
    id: str


class CustomerDocument(TypedDict):
    """A customer with a summary of their orders."""

    _id: str
    position: int
    version: int
    name: str | None
    company: str | None
    email: str | None
    email_key: str | None
    """The form in which the address is looked up; personal data, too."""
    phone: str | None
    address: dict[str, Any] | None
    sort_name: str
    words: list[str]
    terms: list[str]
    near: list[str]
    closed: bool
    registered_at: datetime
    order_count: int
    """The number of orders that were not cancelled."""
    lifetime_spend: dict[str, Any]
    """The sum of the totals of orders that were not cancelled, including shipping fees."""
    last_order: LastOrder | None
    """The latest order, even if it was cancelled."""


class CustomerOrder(Enum):
    """The fields by which customers can be sorted."""

    NAME = "sort_name"
    LIFETIME_SPEND = "lifetime_spend.amount"
    ORDERS = "order_count"
    REGISTERED_AT = "registered_at"
    RELEVANCE = "relevance"
    """The rank in a search; by name without one."""


_STORED = [order for order in CustomerOrder if order.value != RELEVANCE]


customers = customer_overview.collection(
    seen_by=owner_at("_id"),
    indexes=[
        *((order.value, "_id") for order in _STORED),
        *(("closed", order.value, "_id") for order in _STORED),
        ("email_key", "_id"),
        *SEARCH_INDEXES,
    ],
)


_NOBODY: dict[str, Any] = {
    "name": None,
    "company": None,
    "email": None,
    "phone": None,
    "address": None,
    "sort_name": "",
    "email_key": None,
    **NOT_FOUND,
}


@customer_overview.on(CustomerRegistered)
def registered(event: CustomerRegistered, at: RecordedEvent) -> Iterator[Change]:
    """Add a customer without orders."""
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
    """Set the customer's details, and the words of them that searches match."""
    changed = {"version": at.stream_version, **_described(event.personal)}
    yield customers.update(event.customer_id, {"$set": changed})


@customer_overview.on(CustomerClosed)
def closed(event: CustomerClosed, at: RecordedEvent) -> Iterator[Change]:
    """Remove the customer's personal data, and mark them as closed; the figures remain."""
    changed = {"version": at.stream_version, "closed": True, **_NOBODY}
    yield customers.update(event.customer_id, {"$set": changed})


@customer_overview.on(CustomerForgotten)
def forgotten(event: CustomerForgotten, at: RecordedEvent) -> Iterator[Change]:
    """Remove the customer's personal data as in a closed account, which it is."""
    changed = {"version": at.stream_version, "closed": True, **_NOBODY}
    yield customers.update(event.customer_id, {"$set": changed})


@customer_overview.on(OrderPlaced)
def ordered(event: OrderPlaced, _at: RecordedEvent) -> Iterator[Change]:
    """Add an order; imported orders may come in any sequence, so the last order is that placed latest."""
    last = {"placed_at": event.placed_at, "id": str(event.order_id)}  # MongoDB compares the fields in turn.
    bought = {"order_count": 1, "lifetime_spend.amount": event.total.amount}
    yield customers.update(event.customer_id, {"$inc": bought, "$max": {"last_order": last}})


@customer_overview.on(OrderCancelled)
def called_off(event: OrderCancelled, _at: RecordedEvent) -> Iterator[Change]:
    """Subtract the cancelled order from the figures."""
    bought = {"order_count": -1, "lifetime_spend.amount": -event.total.amount}
    yield customers.update(event.customer_id, {"$inc": bought})


def customer_with_email(address: str) -> Listing:
    """Return the listing of the one customer with this e-mail address; it is empty if there is none.

    The address is compared as at registration, in any case and in any spelling of the domain.
    """
    key = email_key(address)
    return Listing(customers, {"email_key": key} if key else NOTHING, ["email_key"])


def customers_matching(*, closed: bool | None = None) -> Filter:
    """Return the filter for customers that match all given criteria, apart from a search."""
    return {} if closed is None else {"closed": closed}


PLACE = ("city", "region", "postal_code", "country")
SEARCHED = {
    **{each: [each] for each in ("name", "company", "email", "phone")},
    "address": [f"address.{part}" for part in PLACE],
}
"""The fields of a customer that searches look into, each with its paths in the document."""


def customer_page(
    filter: Filter, order: CustomerOrder, *, search: str | None = None, descending: bool = False
) -> Listing:
    """Return the listing of the matching customers that a search finds, sorted by one field.

    By relevance, customers of the same rank are sorted by name.
    """
    direction = "-" if descending else ""
    ties = [f"{direction}sort_name"] if order is CustomerOrder.RELEVANCE else []
    return Listing(customers, filter, [f"{direction}{order.value}", *ties], Search.of(search, SEARCHED))


def _described(personal: CustomerDetails | None) -> dict[str, Any]:
    """Return the fields of a customer's details; empty ones of a customer who was forgotten meanwhile."""
    if personal is None:
        return dict(_NOBODY)
    address = personal.address
    place = [getattr(address, part) for part in PLACE] if address else []
    return {
        **plain(personal),
        "sort_name": folded(personal.name),
        "email_key": email_key(personal.email),
        **search_entries(
            codes=[personal.email],
            title=[personal.name, personal.company],
            others=place,
            numbers=[personal.phone],
        ),
    }
