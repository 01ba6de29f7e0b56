"""The shop front: products with price and stock, for search, filters and facets."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.audiences import EVERYBODY, NOTHING
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import Change, Filter, ReadModel, plain
from app.cqrs.documents.words import folded, found_by, words
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.pages import Listing
from app.cqrs.texts import one_form
from app.domain.catalog.events import PriceChanged, ProductAdded, ProductDiscontinued, ProductUpdated
from app.domain.orders.events import OrderCancelled, OrderPlaced
from app.domain.stock.events import (
    StockAdjusted,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
)
from app.values import sku

product_listing = ReadModel(
    "product_listing", description="The products as the shop front shows them, with stock and sales."
)


class ProductDocument(TypedDict):
    """A product on the shop front."""

    _id: str
    position: int
    version: int
    stock_version: int
    sku: str
    name: str
    sort_name: str
    category: str
    description: str
    packaging: str
    price: dict[str, Any]
    discontinued: bool
    on_hand: int
    reserved: int
    available: int
    in_stock: bool
    units_sold: int
    words: list[str]
    added_at: datetime


class ProductOrder(Enum):
    """The fields by which products can be sorted."""

    NAME = "sort_name"
    PRICE = "price.amount"
    BEST_SELLING = "units_sold"
    ADDED_AT = "added_at"


products = product_listing.collection(
    seen_by=EVERYBODY,
    indexes=[
        *((order.value, "_id") for order in ProductOrder),
        *(("category", order.value, "_id") for order in ProductOrder),
        ("sku", "_id"),
        ("words",),
        ("in_stock",),
        ("discontinued",),
    ],
)


@product_listing.on(ProductAdded)
def added(event: ProductAdded, at: RecordedEvent) -> Iterator[Change]:
    """Add a product without stock or sales."""
    yield products.put(
        event.product_id,
        {
            "version": at.stream_version,
            "stock_version": 0,
            "price": plain(event.unit_price),
            "discontinued": False,
            "on_hand": 0,
            "reserved": 0,
            "available": 0,
            "in_stock": False,
            "units_sold": 0,
            "added_at": at.occurred_at,
            **_described(event),
        },
    )


@product_listing.on(ProductUpdated)
def updated(event: ProductUpdated, at: RecordedEvent) -> Iterator[Change]:
    """Set the product's description, and the words of it that searches match."""
    yield products.update(event.product_id, {"$set": {"version": at.stream_version, **_described(event)}})


@product_listing.on(PriceChanged)
def repriced(event: PriceChanged, at: RecordedEvent) -> Iterator[Change]:
    """Set the product's price."""
    changed = {"version": at.stream_version, "price": plain(event.unit_price)}
    yield products.update(event.product_id, {"$set": changed})


@product_listing.on(ProductDiscontinued)
def discontinued(event: ProductDiscontinued, at: RecordedEvent) -> Iterator[Change]:
    """Mark the product as discontinued; it stays in the listing."""
    yield products.update(event.product_id, {"$set": {"version": at.stream_version, "discontinued": True}})


@product_listing.on(StockReceived)
@product_listing.on(StockAdjusted)
@product_listing.on(StockReserved)
@product_listing.on(StockReleased)
@product_listing.on(StockShipped)
def restocked(
    event: StockReceived | StockAdjusted | StockReserved | StockReleased | StockShipped, at: RecordedEvent
) -> Iterator[Change]:
    """Set the product's stock, which each of these events has."""
    available = event.on_hand - event.reserved
    stock = {
        "stock_version": at.stream_version,
        "on_hand": event.on_hand,
        "reserved": event.reserved,
        "available": available,
        "in_stock": available > 0,
    }
    yield products.update(event.product_id, {"$set": stock})


@product_listing.on(OrderPlaced)
def sold(event: OrderPlaced, _at: RecordedEvent) -> Iterator[Change]:
    """Add the ordered units to each product's units sold."""
    for line in event.lines:
        yield products.update(line.product_id, {"$inc": {"units_sold": line.quantity}})


@product_listing.on(OrderCancelled)
def unsold(event: OrderCancelled, _at: RecordedEvent) -> Iterator[Change]:
    """Subtract the cancelled units from each product's units sold."""
    for line in event.lines:
        yield products.update(line.product_id, {"$inc": {"units_sold": -line.quantity}})


def product_with_sku(code: str) -> Listing:
    """Return the listing of the one product with this SKU, in any case; it is empty if there is none."""
    try:
        filter: Filter = {"sku": sku(code)}
    except ValueError:
        filter = NOTHING
    return Listing(products, filter, ["sku"])


def products_matching(
    *,
    search: str | None = None,
    categories: Sequence[str] | None = None,
    price_from: Decimal | None = None,
    price_to: Decimal | None = None,
    in_stock: bool | None = None,
    discontinued: bool | None = None,
) -> Filter:
    """Return the filter for products that match all given criteria.

    Each word of `search` must be the beginning of a word of the product. `price_from` and `price_to` are
    inclusive.
    """
    filter: dict[str, Any] = {}
    if search is not None:
        filter["$and"] = found_by(search)
    if categories is not None:
        filter["category"] = {"$in": [one_form(category) for category in categories]}
    filter |= in_range("price.amount", at_least=price_from, at_most=price_to)
    if in_stock is not None:
        filter["in_stock"] = in_stock
    if discontinued is not None:
        filter["discontinued"] = discontinued
    return filter


def product_page(filter: Filter, order: ProductOrder, *, descending: bool = False) -> Listing:
    """Return the listing of the matching products, sorted by one field."""
    return Listing(products, filter, [f"-{order.value}" if descending else order.value])


def facets(filter: Filter) -> list[dict[str, Any]]:
    """Return the pipeline that counts the matching products by category, and finds their price range."""
    categories = [{"$group": {"_id": "$category", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    prices = {"_id": None, "lowest": {"$min": "$price.amount"}, "highest": {"$max": "$price.amount"}}
    in_stock = {"_id": None, "in_stock": {"$sum": {"$cond": ["$in_stock", 1, 0]}}}
    return [
        {"$match": filter},
        {"$facet": {"categories": categories, "range": [{"$group": prices | in_stock}]}},
    ]


def _described(event: ProductAdded | ProductUpdated) -> dict[str, Any]:
    return {
        "sku": event.sku,
        "name": event.name,
        "sort_name": folded(event.name),
        "category": event.category,
        "description": event.description,
        "packaging": event.packaging,
        "words": words(event.sku, event.name, event.category, event.description),
    }
