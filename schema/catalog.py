"""Products as clients read them: found, listed, counted and followed."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, cast

import strawberry

from app.cqrs.documents.read_model import Filter
from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.graphql.admission.limits import refuse_long_search
from app.graphql.execution.context import Info
from app.read_models.product_listing import (
    ProductOrder,
    facets,
    product_listing,
    product_page,
    products,
    products_matching,
)
from app.values import CURRENCY
from schema.circle.conditions import refuse_reversed
from schema.circle.enums import describe
from schema.circle.ids import key_of
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
from schema.values import Money

describe(
    ProductOrder,
    "What products can be sorted by.",
    {
        "NAME": "Their names, without regard to case and accents.",
        "PRICE": "Their prices.",
        "BEST_SELLING": "The units sold of them.",
    },
    name="ProductSortField",
)


@shows(products, kinds=["product", "stock"])
@strawberry.type(description="A product of the shop, with its stock and its sales.")
class Product(Node):
    """A product as the shop front shows it."""

    sku: str = strawberry.field(description="The stock keeping unit, unique.")
    name: str = strawberry.field(description="What it is called.")
    category: str = strawberry.field(description="What it belongs to.")
    description: str = strawberry.field(description="What there is to say about it.")
    packaging: str = strawberry.field(description='How it comes, such as "24 - 12 oz bottles".')
    price: Money = strawberry.field(description="What one unit costs now.")
    discontinued: bool = strawberry.field(description="Whether it is off sale for good.")
    on_hand: int = strawberry.field(description="Units in the warehouse.")
    reserved: int = strawberry.field(description="Units set aside for orders that are not shipped.")
    available: int = strawberry.field(description="Units that can be ordered.")
    in_stock: bool = strawberry.field(description="Whether any can be ordered.")
    units_sold: BigInt = strawberry.field(description="Units ordered so far, cancelled orders left out.")
    added_at: datetime = strawberry.field(description="When it came on sale.")
    version: int = strawberry.field(description="The product's version, for `expectedVersion`.")
    stock_version: int = strawberry.field(
        description="The version of its stock, for `expectedVersion` of stock mutations."
    )
    position: Position = strawberry.field(description="The event that changed this document last.")


@strawberry.type(description="A new state of a product.")
class ProductUpdate(Update):
    """What `productUpdated` sends."""

    product: Product = strawberry.field(description="The product as it is now.")


@strawberry.type(description="A category, and how many products it has.")
class CategoryCount:
    """One bar of the category facet."""

    category: str = strawberry.field(description="The category.")
    count: int = strawberry.field(description="How many of the matching products are in it.")


@strawberry.type(description="What the matching products have in common.")
class ProductFacets:
    """Counts over all pages."""

    categories: list[CategoryCount] = strawberry.field(description="Their categories, by name.")
    lowest_price: Money | None = strawberry.field(description="The lowest price; null without products.")
    highest_price: Money | None = strawberry.field(description="The highest price; null without products.")
    in_stock: int = strawberry.field(description="How many of them are in stock.")


@strawberry.type(description="A page of products.")
class ProductConnection(Connection[Product]):
    """Products, and facets over all that match."""

    @strawberry.field(description="Counts and ranges over all matching products.")
    async def facets(self, info: Info) -> ProductFacets | None:
        """One aggregation, only where it is asked for."""
        [found] = await info.context.reading.aggregate(products, facets(self.page.listing.filter))
        [span] = found["range"] or [{"lowest": None, "highest": None, "in_stock": 0}]
        return ProductFacets(
            categories=[CategoryCount(category=c["_id"], count=c["count"]) for c in found["categories"]],
            lowest_price=_money(span["lowest"]),
            highest_price=_money(span["highest"]),
            in_stock=span["in_stock"],
        )


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(amount=amount, currency_code=CURRENCY)


@strawberry.input(description="Which products; all conditions together.")
class ProductFilter:
    """Every condition has an index."""

    search: str | None = strawberry.field(
        default=None,
        description="Words, or their beginnings, in name, category, description or SKU. Text without a word, "
        "such as `!`, finds nothing.",
    )
    categories: list[str] | None = strawberry.field(default=None, description="In any of these categories.")
    price_from: Decimal | None = strawberry.field(default=None, description="Costing at least so much.")
    price_to: Decimal | None = strawberry.field(default=None, description="Costing at most so much.")
    in_stock: bool | None = strawberry.field(default=None, description="In stock, or sold out.")
    discontinued: bool | None = strawberry.field(default=None, description="Off sale, or still on sale.")

    def __post_init__(self) -> None:
        refuse_long_search(self.search)

    def matching(self) -> Filter:
        """Return the read model's own filter; raise `BadArgument`."""
        refuse_reversed(("priceFrom", "priceTo"), self.price_from, self.price_to)
        return products_matching(**vars(self))


@strawberry.input(description="How products are sorted.")
class ProductSort:
    """A field and a direction."""

    field: ProductOrder = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class CatalogQuery:
    """Reads of the product listing."""

    @strawberry.field(description="A product by its id; null where there is none.")
    async def product(self, info: Info, id: NodeId, at_least: AtLeast = None) -> Product | None:
        """One find by key."""
        key, tokens = key_of("Product", id), await info.context.tokens(at_least)
        return cast(
            "Product | None", await info.context.reading.get(products, str(key), tokens, fields=info.shown)
        )

    @listing_field(ProductConnection, description="The products of the shop.")
    def products(
        self,
        filter: Annotated[ProductFilter | None, strawberry.argument(description="Which; or all.")] = None,
        order_by: Annotated[
            ProductSort | None, strawberry.argument(description="In which order; by name if null.")
        ] = None,
    ) -> Listing:
        """Return what is listed, for one find."""
        order = order_by or ProductSort(field=ProductOrder.NAME)
        matching = filter.matching() if filter else {}
        return product_page(matching, order.field, descending=order.direction is SortDirection.DESC)


@strawberry.type
class CatalogSubscription:
    """Products as they change."""

    @strawberry.subscription(description="A product now, or once it is there, then each new state of it.")
    async def product_updated(
        self, info: Info, id: NodeId, after: Resume = None
    ) -> AsyncIterator[ProductUpdate]:
        """Follows one document."""
        key = str(key_of("Product", id))
        followed = topic(product_listing.name, document=key)
        async with aclosing(follow(info, products, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield ProductUpdate(product=cast("Product", state.document), **state.shown)


PART = Part(query=CatalogQuery, subscription=CatalogSubscription)
