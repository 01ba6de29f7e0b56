"""Products as clients read them: by id, in lists with facets, and as they change."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, cast

import strawberry

from app.cqrs.documents.read_model import Filter
from app.cqrs.live.notices import topic
from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import Sight
from app.graphql.admission.limits import refuse_long_search
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from app.read_models.product_listing import (
    PRICE_BOUNDS,
    ProductOrder,
    product_listing,
    product_page,
    product_with_sku,
    products,
    products_matching,
)
from schema.circle.commands.payloads import ListedIn, Lists
from schema.circle.conditions import (
    MATCH_ALL,
    ORDER_DIRECTION,
    ORDER_FIELD,
    RELEVANCE,
    SEARCH,
    refuse_all_but_one,
    refuse_reversed,
)
from schema.circle.enums import describe
from schema.circle.ids import key_of
from schema.circle.listings import LOOKUPS, listing_field
from schema.circle.live.lists import ListUpdate, live_list_field
from schema.circle.nodes import (
    LAST_POSITION,
    VERSION,
    AtLeast,
    Connection,
    MaybeNodeId,
    Node,
    NodeId,
    SortDirection,
    read_one,
)
from schema.circle.parts import Part
from schema.circle.scalars import BigInt, Position
from schema.circle.shown import shows
from schema.circle.updates import Resume, Update, follow
from schema.facets.products import MOST_BOUNDS, ProductChoices, ProductFacets, read_choices, read_facets
from schema.values import Money

describe(
    ProductOrder,
    "The values by which products can be sorted.",
    {
        "RELEVANCE": RELEVANCE.format("the exact SKU first", "the name"),
        "NAME": "The name, ignoring case and accents.",
        "PRICE": "The current price of one unit.",
        "BEST_SELLING": "The number of units sold. Use it with `DESC` for best-sellers first.",
        "ADDED_AT": "The time at which the product was added. Use it with `DESC` for the newest first.",
    },
    name="ProductSortField",
)


@shows(products, kinds=["product", "stock"])
@strawberry.type(description="A product of the shop, with its stock and sales.")
class Product(Node):
    sku: str = strawberry.field(description="The stock keeping unit (SKU), unique among all products.")
    name: str = strawberry.field(description="The name of the product.")
    category: str = strawberry.field(description="The category of the product.")
    description: str = strawberry.field(description="The description of the product; empty if there is none.")
    packaging: str = strawberry.field(
        description='The packaging, such as "24 - 12 oz bottles"; empty if none is given.'
    )
    price: Money = strawberry.field(description="The current price of one unit, for new orders.")
    discontinued: bool = strawberry.field(
        description="True if the product was taken off sale for good. It can't be ordered, but stays visible."
    )
    on_hand: int = strawberry.field(
        description="The number of units in the warehouse, reserved units included."
    )
    reserved: int = strawberry.field(
        description="The number of units reserved for orders that are not shipped yet."
    )
    available: int = strawberry.field(
        description="The number of units that can be ordered: `onHand` minus `reserved`."
    )
    in_stock: bool = strawberry.field(description="True if at least one unit is available.")
    units_sold: BigInt = strawberry.field(
        description="The number of units ordered so far, without cancelled orders."
    )
    added_at: datetime = strawberry.field(description="The time at which the product was added, in UTC.")
    version: int = strawberry.field(description=VERSION.format("product"))
    stock_version: int = strawberry.field(
        description="The current version of the product's stock, for `expectedVersion` in `receiveStock` and "
        "`adjustStock`."
    )
    position: Position = strawberry.field(description=LAST_POSITION)


@strawberry.type(description="An item of the subscription `productUpdated`: a state of the product.")
class ProductUpdate(Update):
    product: Product = strawberry.field(description="The product in this state.")


@strawberry.type(description="A page of products.")
class ProductConnection(Connection[Product]):
    @strawberry.field(description="Counts for lists of several choices, over all pages.")
    async def choices(
        self,
        info: Info,
        price_bounds: Annotated[
            list[Decimal] | None,
            strawberry.argument(
                description="The prices at which ranges begin, from low to high, at most "
                f"{MOST_BOUNDS}. Below the first there is one range more. By default "
                f"{', '.join(f'{each:.0f}' for each in PRICE_BOUNDS[:-1])} and {PRICE_BOUNDS[-1]:.0f}."
            ),
        ] = None,
    ) -> ProductChoices | None:
        return await read_choices(info, self.page.listing, price_bounds)

    @strawberry.field(description="Counts and price range of all matching products, over all pages.")
    async def facets(self, info: Info) -> ProductFacets | None:
        return await read_facets(info, self.page.listing)


@strawberry.input(description=f"Conditions on products. {MATCH_ALL}")
class ProductFilter:
    search: str | None = strawberry.field(
        default=None,
        description=SEARCH.format("the name, category, description or SKU"),
    )
    categories: list[str] | None = strawberry.field(
        default=None, description="The names of categories, of which the product must be in one."
    )
    price_from: Decimal | None = strawberry.field(
        default=None, description="The lowest price of one unit, inclusive."
    )
    price_to: Decimal | None = strawberry.field(
        default=None, description="The highest price of one unit, inclusive."
    )
    in_stock: bool | None = strawberry.field(
        default=None,
        description="True for products with an available unit, false for those without. By default both.",
    )
    discontinued: bool | None = strawberry.field(
        default=None,
        description="True for products that are off sale for good, false for the others. By default both.",
    )

    def __post_init__(self) -> None:
        refuse_long_search(self.search)

    def matching(self) -> Filter:
        """Return these conditions as a filter of the read model; raise `BadArgument`."""
        refuse_reversed(("priceFrom", "priceTo"), self.price_from, self.price_to)
        return products_matching(**{name: value for name, value in vars(self).items() if name != "search"})


@strawberry.input(description="The sort order of a list of products.")
class ProductSort:
    field: ProductOrder = strawberry.field(description=ORDER_FIELD)
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description=ORDER_DIRECTION)


PRODUCT_LISTS: Lists = {
    Product: ListedIn(name="`products`", listing=product_page({}, ProductOrder.NAME)),
}
"""The list of products in its default order, for the edges in payloads."""


@strawberry.type
class CatalogQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(
        description="The product with this id or SKU, of which exactly one is given; null if there is none.",
        metadata={LOOKUPS: (product_with_sku,)},
    )
    async def product(
        self,
        info: Info,
        id: MaybeNodeId = None,
        sku: Annotated[
            str | None, strawberry.argument(description="The SKU, in upper or lower case.")
        ] = None,
        at_least: AtLeast = None,
    ) -> Product | None:
        refuse_all_but_one(("id", "sku"), id, sku)
        asked = product_with_sku(str(sku)) if id is None else key_of("Product", id)
        return cast("Product | None", await read_one(info, products, asked, at_least))

    @visible_to(Sight.ANONYMOUS)
    @listing_field(ProductConnection, description="The products of the shop, discontinued ones included.")
    def products(
        self,
        filter: Annotated[
            ProductFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all products are returned."
            ),
        ] = None,
        order_by: Annotated[
            ProductSort | None,
            strawberry.argument(
                description="The sort order. The default is by relevance in a search, and else by name, "
                "ascending."
            ),
        ] = None,
    ) -> Listing:
        search = filter.search if filter else None
        usual = ProductOrder.NAME if search is None else ProductOrder.RELEVANCE
        order = order_by or ProductSort(field=usual)
        matching = filter.matching() if filter else {}
        descending = order.direction is SortDirection.DESC
        return product_page(matching, order.field, search=search, descending=descending)


@strawberry.type(
    description="An item of the subscription `productsUpdated`: the list of products, or what has changed in "
    "it."
)
class ProductsUpdate(ListUpdate[Product]): ...


@strawberry.type
class CatalogSubscription:
    products_updated = visible_to(Sight.ANONYMOUS)(
        live_list_field(
            ProductsUpdate,
            CatalogQuery,
            "products",
            description="The first products of the list `products` as they are now, then what enters the "
            "list, changes in it, moves and leaves. Each item leads to the list as `products` shows it.",
        )
    )

    @visible_to(Sight.ANONYMOUS)
    @strawberry.subscription(
        description="The states of a product: the current one, or the first one as soon as the product "
        "exists, then each new one."
    )
    async def product_updated(
        self, info: Info, id: NodeId, after: Resume = None
    ) -> AsyncIterator[ProductUpdate]:
        key = str(key_of("Product", id))
        followed = topic(product_listing.name, document=key)
        async with aclosing(follow(info, products, {"_id": key}, followed, after)) as states:
            async for state in states:
                yield ProductUpdate(product=cast("Product", state.document), **state.shown)


PART = Part(query=CatalogQuery, subscription=CatalogSubscription)
