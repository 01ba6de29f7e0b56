"""The sales of each day: orders, units and revenue, also by category, by product and by customer.

An order counts on the day on which it was placed, in the shop's time zone; a cancelled order is subtracted
from that day. Another time zone has documents of its own, which are built from the log after the change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.audiences import STAFF
from app.cqrs.documents.days import Days
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import Change, Filter, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from app.domain.orders.events import OrderCancelled, OrderLine, OrderPlaced, OrderShipped
from app.values import CURRENCY, ZERO

sales_by_day = ReadModel(
    "sales_by_day", description="The sales of each day, in total, by category, product and customer."
)
sales_by_day.impersonal = True


class DayDocument(TypedDict):
    """The sales of a day that has orders."""

    _id: str
    position: int
    day: str
    """The date in the shop's time zone, such as `2026-01-31`."""
    orders: int
    units: int
    revenue: dict[str, Any]
    """The sum of the lines, without shipping fees."""
    shipping_fees: dict[str, Any]
    cancelled: int
    """The number of orders placed on this day and cancelled since, which no other figure includes."""
    shipped: int
    """The number of orders placed on this day and shipped since."""


class CategoryDayDocument(TypedDict):
    """The sales of a category on a day."""

    _id: str
    position: int
    day: str
    category: str
    units: int
    revenue: dict[str, Any]


class ProductDayDocument(TypedDict):
    """The sales of a product on a day, with the product's title in the first order of that day."""

    _id: str
    position: int
    day: str
    product_id: str
    sku: str
    title: str
    category: str
    units: int
    revenue: dict[str, Any]


class CustomerDayDocument(TypedDict):
    """The sales to a customer on a day, without personal data."""

    _id: str
    position: int
    day: str
    customer_id: str
    orders: int
    units: int
    revenue: dict[str, Any]
    shipping_fees: dict[str, Any]


class BestSellerOrder(Enum):
    """The figures by which best-sellers can be ranked."""

    UNITS = "units"
    REVENUE = "revenue.amount"


class CustomerSalesOrder(Enum):
    """The figures by which customers can be ranked."""

    REVENUE = "revenue.amount"
    ORDERS = "orders"
    UNITS = "units"


days = sales_by_day.collection("days", seen_by=STAFF, indexes=[("day", "_id")])
category_days = sales_by_day.collection("categories", seen_by=STAFF, indexes=[("day", "_id")])
product_days = sales_by_day.collection("products", seen_by=STAFF, indexes=[("day", "_id")])
customer_days = sales_by_day.collection("customers", seen_by=STAFF, indexes=[("day", "_id")])

_COUNTS, _AMOUNTS = ("orders", "units", "cancelled", "shipped"), ("revenue", "shipping_fees")


@sales_by_day.on_by_day(OrderPlaced)
def placed(event: OrderPlaced, _at: RecordedEvent, shop: Days) -> Iterator[Change]:
    """Add the order to the sales of its day."""
    day = str(shop.of(event.placed_at))
    in_currency = {"day": day, "revenue.currency_code": CURRENCY}
    at_first = {**in_currency, "shipping_fees.currency_code": CURRENCY, "cancelled": 0, "shipped": 0}
    yield days.upsert(day, {"$inc": _order_sums(event, 1), "$setOnInsert": at_first})
    for category, lines in _grouped(event.lines, lambda line: line.category).items():
        at_first = {**in_currency, "category": category}
        yield category_days.upsert(
            f"{day}|{category}", {"$inc": _line_sums(lines, 1), "$setOnInsert": at_first}
        )
    for product_id, lines in _grouped(event.lines, lambda line: str(line.product_id)).items():
        line = lines[0]
        product = {
            "product_id": product_id,
            "sku": line.sku,
            "title": line.title,
            "category": line.category,
        }
        at_first = {**in_currency, **product}
        yield product_days.upsert(
            f"{day}|{product_id}", {"$inc": _line_sums(lines, 1), "$setOnInsert": at_first}
        )
    at_first = {
        **in_currency,
        "shipping_fees.currency_code": CURRENCY,
        "customer_id": str(event.customer_id),
    }
    bought = {"$inc": _order_sums(event, 1), "$setOnInsert": at_first}
    yield customer_days.upsert(f"{day}|{event.customer_id}", bought)


@sales_by_day.on_by_day(OrderCancelled)
def cancelled(event: OrderCancelled, _at: RecordedEvent, shop: Days) -> Iterator[Change]:
    """Subtract all that placing the order has added, and count the cancellation."""
    day = str(shop.of(event.placed_at))
    yield days.update(day, {"$inc": {**_order_sums(event, -1), "cancelled": 1}})
    for category, lines in _grouped(event.lines, lambda line: line.category).items():
        yield category_days.update(f"{day}|{category}", {"$inc": _line_sums(lines, -1)})
    for product_id, lines in _grouped(event.lines, lambda line: str(line.product_id)).items():
        yield product_days.update(f"{day}|{product_id}", {"$inc": _line_sums(lines, -1)})
    yield customer_days.update(f"{day}|{event.customer_id}", {"$inc": _order_sums(event, -1)})


@sales_by_day.on_by_day(OrderShipped)
def shipped(event: OrderShipped, _at: RecordedEvent, shop: Days) -> Iterator[Change]:
    """Count the shipped order on the day on which it was placed, not shipped."""
    yield days.update(str(shop.of(event.placed_at)), {"$inc": {"shipped": 1}})


def days_between(first: date | None = None, last: date | None = None, *, descending: bool = False) -> Listing:
    """Return the listing of the days from `first` to `last`, both inclusive."""
    return Listing(days, _between(first, last), ["-day" if descending else "day"])


def day_totals(first: date | None = None, last: date | None = None) -> list[dict[str, Any]]:
    """Return the pipeline over `days` that sums them up in one document, even if there are none.

    `first` and `last` are inclusive.
    """
    nothing = {**dict.fromkeys(_COUNTS, 0), **dict.fromkeys(_AMOUNTS, ZERO.amount)}
    return [
        {"$match": _between(first, last)},
        {"$facet": {"sums": [{"$group": {"_id": None, **_sums(*_COUNTS)}}]}},
        {"$replaceWith": {"$mergeObjects": [nothing, {"$first": "$sums"}]}},
        {"$set": {name: _money(name) for name in _AMOUNTS}},
        {"$unset": "_id"},
    ]


def month_totals(first: date | None = None, last: date | None = None, *, limit: int) -> list[dict[str, Any]]:
    """Return the pipeline over `days` that sums them up by month, for the `limit` newest months with orders.

    The newest month comes first, and has its first day as `month`. `first` and `last` are inclusive.
    """
    month = {"$concat": [{"$substrBytes": ["$day", 0, 7]}, "-01"]}
    return [
        {"$match": _between(first, last)},
        {"$group": {"_id": month, **_sums(*_COUNTS)}},
        {"$sort": {"_id": -1}},
        {"$limit": limit},
        {"$set": {"month": "$_id", **{name: _money(name) for name in _AMOUNTS}}},
        {"$unset": "_id"},
    ]


def category_totals(first: date | None = None, last: date | None = None) -> list[dict[str, Any]]:
    """Return the pipeline over `category_days` that gives each category's units and revenue.

    The category with the highest revenue comes first. `first` and `last` are inclusive.
    """
    sums = {"_id": "$category", "units": {"$sum": "$units"}, "revenue": {"$sum": "$revenue.amount"}}
    return [
        {"$match": _between(first, last)},
        {"$group": sums},
        {"$match": {"units": {"$gt": 0}}},
        {"$sort": {"revenue": -1, "_id": 1}},
        {"$project": {"_id": 0, "category": "$_id", "units": 1, "revenue": _money("revenue")}},
    ]


def best_sellers(
    first: date | None = None,
    last: date | None = None,
    *,
    limit: int,
    by: BestSellerOrder = BestSellerOrder.UNITS,
) -> list[dict[str, Any]]:
    """Return the pipeline over `product_days` that gives the `limit` best-selling products, best first.

    `first` and `last` are inclusive.
    """
    sums = {
        "_id": "$product_id",
        **{name: {"$last": f"${name}"} for name in ("product_id", "sku", "title", "category")},
        "units": {"$sum": "$units"},
        "revenue": {"$sum": "$revenue.amount"},
    }
    return [
        {"$match": _between(first, last)},
        {"$sort": {"day": 1, "_id": 1}},
        {"$group": sums},
        {"$match": {"units": {"$gt": 0}}},
        {"$set": {"revenue": _money("revenue")}},
        {"$sort": {by.value: -1, "_id": 1}},
        {"$limit": limit},
        {"$unset": "_id"},
    ]


def customer_totals(
    first: date | None = None,
    last: date | None = None,
    *,
    limit: int,
    by: CustomerSalesOrder = CustomerSalesOrder.REVENUE,
) -> list[dict[str, Any]]:
    """Return the pipeline over `customer_days` that gives the `limit` customers who bought most, best first.

    `first` and `last` are inclusive.
    """
    return [
        {"$match": _between(first, last)},
        {"$group": {"_id": "$customer_id", **_sums("orders", "units")}},
        {"$match": {"orders": {"$gt": 0}}},
        {"$set": {"customer_id": "$_id", **{name: _money(name) for name in _AMOUNTS}}},
        {"$sort": {by.value: -1, "_id": 1}},
        {"$limit": limit},
        {"$unset": "_id"},
    ]


def _sums(*counts: str) -> dict[str, Any]:
    amounts = {name: {"$sum": f"${name}.amount"} for name in _AMOUNTS}
    return {**{name: {"$sum": f"${name}"} for name in counts}, **amounts}


def _between(first: date | None, last: date | None) -> Filter:
    return in_range("day", at_least=str(first) if first else None, at_most=str(last) if last else None)


def _grouped(lines: Sequence[OrderLine], key: Callable[[OrderLine], str]) -> dict[str, list[OrderLine]]:
    groups: defaultdict[str, list[OrderLine]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return groups


def _line_sums(lines: Sequence[OrderLine], sign: int) -> dict[str, int | Decimal]:
    return {
        "units": sign * sum(line.quantity for line in lines),
        "revenue.amount": sign * sum((line.total for line in lines), ZERO).amount,
    }


def _order_sums(event: OrderPlaced | OrderCancelled, sign: int) -> dict[str, int | Decimal]:
    return {
        "orders": sign,
        "shipping_fees.amount": sign * event.shipping_fee.amount,
        **_line_sums(event.lines, sign),
    }


def _money(name: str) -> dict[str, str]:
    return {"amount": f"${name}", "currency_code": CURRENCY}
