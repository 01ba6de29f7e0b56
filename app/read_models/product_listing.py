"""The shop front: products with price and stock, for search, filters and facets."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

from app.cqrs.documents.audiences import EVERYBODY, NOTHING
from app.cqrs.documents.plain import plain
from app.cqrs.documents.ranges import in_range
from app.cqrs.documents.read_model import RELEVANCE, Change, Filter, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.reading.facets import Facet, counts_of_choices
from app.cqrs.reading.pages import Listing
from app.cqrs.searching.entries import SEARCH_INDEXES, search_entries
from app.cqrs.searching.letters import folded
from app.cqrs.searching.search import Search
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
from app.values import CENT, sku

product_listing = ReadModel(
    "product_listing",
    description="The products as the shop front shows them, with stock and sales.",
    also_reads=("09623502",),  # Only indexes are different.
)
product_listing.impersonal = True


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
    terms: list[str]
    near: list[str]
    added_at: datetime


class ProductOrder(Enum):
    """The fields by which products can be sorted."""

    NAME = "sort_name"
    PRICE = "price.amount"
    BEST_SELLING = "units_sold"
    ADDED_AT = "added_at"
    RELEVANCE = "relevance"
    """The rank in a search; by name without one."""


_STORED = [order for order in ProductOrder if order.value != RELEVANCE]


products = product_listing.collection(
    seen_by=EVERYBODY,
    indexes=[
        *((order.value, "_id") for order in _STORED),
        *(("category", order.value, "_id") for order in _STORED),
        ("sku", "_id"),
        *SEARCH_INDEXES,
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
    categories: Sequence[str] | None = None,
    price_from: Decimal | None = None,
    price_to: Decimal | None = None,
    in_stock: bool | None = None,
    discontinued: bool | None = None,
) -> Filter:
    """Return the filter for products that match all given criteria, apart from a search.

    `price_from` and `price_to` are inclusive.
    """
    filter: dict[str, Any] = {}
    if categories is not None:
        filter["category"] = {"$in": [one_form(category) for category in categories]}
    filter |= in_range("price.amount", at_least=price_from, at_most=price_to)
    if in_stock is not None:
        filter["in_stock"] = in_stock
    if discontinued is not None:
        filter["discontinued"] = discontinued
    return filter


SEARCHED = {each: [each] for each in ("sku", "name", "category", "description")}
"""The fields of a product that searches look into, each with its paths in the document."""


def product_page(
    filter: Filter, order: ProductOrder, *, search: str | None = None, descending: bool = False
) -> Listing:
    """Return the listing of the matching products that a search finds, sorted by one field.

    By relevance, products of the same rank are sorted by name.
    """
    direction = "-" if descending else ""
    ties = [f"{direction}sort_name"] if order is ProductOrder.RELEVANCE else []
    return Listing(products, filter, [f"{direction}{order.value}", *ties], Search.of(search, SEARCHED))


def facets(filter: Filter) -> list[dict[str, Any]]:
    """Return the pipeline that counts the matching products by category, and finds their price range."""
    categories = [{"$group": {"_id": "$category", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    prices = {"_id": None, "lowest": {"$min": "$price.amount"}, "highest": {"$max": "$price.amount"}}
    in_stock = {"_id": None, "in_stock": {"$sum": {"$cond": ["$in_stock", 1, 0]}}}
    return [
        {"$match": filter},
        {"$facet": {"categories": categories, "range": [{"$group": prices | in_stock}]}},
    ]


PRICE_BOUNDS = tuple(Decimal(each).quantize(CENT) for each in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000))
"""The prices at which the ranges of `choices` begin, unless others are given."""


def choices(listing: Listing, bounds: Sequence[Decimal] = PRICE_BOUNDS) -> Sequence[Mapping[str, Any]]:
    """Return the pipeline that counts a listing's products by category, price range and stock.

    Each count leaves out its own condition of the filter. The ranges are numbered: 0 is below the first
    bound, 1 begins at it.
    """
    below = [
        {"case": {"$lt": ["$price.amount", bound]}, "then": number} for number, bound in enumerate(bounds)
    ]
    price_range = {"$switch": {"branches": below, "default": len(bounds)}} if below else {"$literal": 0}
    return counts_of_choices(
        listing,
        {
            "categories": Facet("category", "$category"),
            "prices": Facet("price.amount", price_range),
            "stock": Facet("in_stock", "$in_stock"),
        },
        extremes={"lowest": {"$min": "$price.amount"}, "highest": {"$max": "$price.amount"}},
    )


def chosen_categories(filter: Filter) -> Sequence[str]:
    """Return the categories that a filter asks for."""
    asked: Sequence[str] = filter.get("category", {}).get("$in", ())
    return asked


def _described(event: ProductAdded | ProductUpdated) -> dict[str, Any]:
    return {
        "sku": event.sku,
        "name": event.name,
        "sort_name": folded(event.name),
        "category": event.category,
        "description": event.description,
        "packaging": event.packaging,
        **search_entries(codes=[event.sku], title=[event.name], others=[event.category, event.description]),
    }
