"""Facets of products: counts by category, price and stock, with and without their own conditions."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import strawberry

from app.cqrs.reading.pages import Listing
from app.graphql.execution.context import Info
from app.graphql.execution.refusals import BadArgument
from app.read_models.product_listing import (
    PRICE_BOUNDS,
    choices,
    chosen_categories,
    facets,
    products,
)
from app.values import CENT, CURRENCY
from schema.values import Money

MOST_BOUNDS = 20
"""Bounds of price ranges that a client may send."""

HIGHEST_BOUND = Decimal(10) ** 12
"""The highest bound of a price range that a client may send."""


@strawberry.type(description="The number of matching products in one category.")
class CategoryCount:
    category: str = strawberry.field(description="The name of the category.")
    count: int = strawberry.field(description="The number of matching products in the category.")


@strawberry.type(description="Facets of the products that match a filter, over all pages.")
class ProductFacets:
    categories: list[CategoryCount] = strawberry.field(
        description="The categories of the matching products, sorted by name."
    )
    lowest_price: Money | None = strawberry.field(
        description="The lowest price of a matching product; null if none matches."
    )
    highest_price: Money | None = strawberry.field(
        description="The highest price of a matching product; null if none matches."
    )
    in_stock: int = strawberry.field(
        description="The number of matching products with at least one available unit."
    )


@strawberry.type(description="A category to choose.")
class CategoryChoice:
    category: str = strawberry.field(description="The name of the category.")
    count: int = strawberry.field(
        description="The number of products in it that meet all conditions except that on categories."
    )
    chosen: bool = strawberry.field(description="True if the filter asks for the category.")


@strawberry.type(description="A range of prices to choose.")
class PriceChoice:
    price_from: Money | None = strawberry.field(
        description="The lowest price of the range, for `priceFrom`; null if it has none."
    )
    price_to: Money | None = strawberry.field(
        description="The highest price of the range, for `priceTo`; null if it has none."
    )
    count: int = strawberry.field(
        description="The number of products in it that meet all conditions except those on prices."
    )


@strawberry.type(
    description="Counts of products for lists of several choices: by category, price and stock. Each count "
    "leaves out the filter's condition on the same, and meets all others: it tells what another choice would "
    "find."
)
class ProductChoices:
    categories: list[CategoryChoice] = strawberry.field(
        description="The categories with a product, and those that the filter asks for, sorted by name."
    )
    prices: list[PriceChoice] = strawberry.field(
        description="The ranges of prices with a product, the lowest first. They do not overlap."
    )
    lowest_price: Money | None = strawberry.field(
        description="The lowest price without the conditions on prices; null if there is no product."
    )
    highest_price: Money | None = strawberry.field(
        description="The highest price without the conditions on prices; null if there is no product."
    )
    in_stock: int = strawberry.field(
        description="The number of products with an available unit, without the condition on stock."
    )
    sold_out: int = strawberry.field(
        description="The number of products without an available unit, without the condition on stock."
    )


async def read_facets(info: Info, listing: Listing) -> ProductFacets:
    """Return the facets of a listing's products."""
    [found] = await info.context.reading.aggregate(products, facets(listing.matching))
    [span] = found["range"] or [{"lowest": None, "highest": None, "in_stock": 0}]
    return ProductFacets(
        categories=[CategoryCount(category=c["_id"], count=c["count"]) for c in found["categories"]],
        lowest_price=_money(span["lowest"]),
        highest_price=_money(span["highest"]),
        in_stock=span["in_stock"],
    )


async def read_choices(
    info: Info, listing: Listing, price_bounds: Sequence[Decimal] | None
) -> ProductChoices:
    """Return the choices among a listing's products; raise `BadArgument`."""
    bounds = PRICE_BOUNDS if price_bounds is None else _checked(price_bounds)
    [found] = await info.context.reading.aggregate(products, choices(listing, bounds))
    chosen, stock = set(chosen_categories(listing.filter)), {s["_id"]: s["count"] for s in found["stock"]}
    counts = dict.fromkeys(chosen, 0) | {c["_id"]: c["count"] for c in found["categories"]}
    return ProductChoices(
        categories=[
            CategoryChoice(category=name, count=count, chosen=name in chosen)
            for name, count in sorted(counts.items())
        ],
        prices=[
            PriceChoice(
                price_from=_money(bounds[number - 1] if number else None),
                price_to=_money(bounds[number] - CENT if number < len(bounds) else None),
                count=count,
            )
            for number, count in ((each["_id"], each["count"]) for each in found["prices"])
        ],
        lowest_price=_money(min((each["lowest"] for each in found["prices"]), default=None)),
        highest_price=_money(max((each["highest"] for each in found["prices"]), default=None)),
        in_stock=stock.get(True, 0),
        sold_out=stock.get(False, 0),
    )


def _checked(bounds: Sequence[Decimal]) -> Sequence[Decimal]:
    """Return the bounds of price ranges; raise `BadArgument`."""
    if len(bounds) > MOST_BOUNDS:
        raise BadArgument(f"priceBounds has {len(bounds)} prices. Send at most {MOST_BOUNDS}.")
    for bound in bounds:
        if not 0 < bound <= HIGHEST_BOUND or bound != bound.quantize(CENT):
            raise BadArgument(
                f"priceBounds has {bound:f}. Send prices above 0 and up to {HIGHEST_BOUND:,}, with at most 2 "
                "decimals."
            )
    if any(first >= then for first, then in pairwise(bounds)):
        raise BadArgument("priceBounds is not in rising order. Send each price once, from low to high.")
    return [bound.quantize(CENT) for bound in bounds]


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(amount=amount, currency_code=CURRENCY)
