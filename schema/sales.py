"""The sales of each day, in sum, by category and by product."""

from datetime import date
from typing import Annotated, Any, cast

import strawberry

from app.cqrs.reading.pages import LONGEST_PAGE, BadPage
from app.graphql.execution.context import Info
from app.read_models.sales_by_day import (
    BestSellerOrder,
    best_sellers,
    category_days,
    category_totals,
    day_totals,
    days,
    days_between,
    product_days,
)
from schema.circle.conditions import refuse_reversed
from schema.circle.enums import describe
from schema.circle.ids import global_id
from schema.circle.nodes import After, AtLeast, Before, Connection, First, Last, page
from schema.circle.parts import Part
from schema.circle.scalars import BigInt
from schema.circle.shown import shows
from schema.values import Money

describe(
    BestSellerOrder,
    "What makes a product sell best.",
    {"UNITS": "The units sold.", "REVENUE": "What they came to."},
)


@strawberry.type(description="What was sold, cancelled orders left out.")
class SalesTotals:
    """Sums over some days."""

    orders: int = strawberry.field(description="Orders placed, and not cancelled since.")
    units: BigInt = strawberry.field(description="Units on their lines.")
    revenue: Money = strawberry.field(description="Their lines' totals, without shipping fees.")
    shipping_fees: Money = strawberry.field(description="Their shipping fees.")
    cancelled: int = strawberry.field(description="Orders placed, and cancelled since.")
    shipped: int = strawberry.field(description="Orders placed, and shipped since.")


@shows(days)
@strawberry.type(description="What was ordered on a day (UTC); what was cancelled since is left out.")
class SalesDay(SalesTotals):
    """One day's document."""

    @strawberry.field(description="The day.")
    def day(document: strawberry.Parent[Any]) -> date:
        """Documents have it as text."""
        return date.fromisoformat(document["day"])


@shows(category_days)
@strawberry.type(description="What was sold of a category.")
class CategorySales:
    """Sums over the days."""

    category: str = strawberry.field(description="The category.")
    units: BigInt = strawberry.field(description="Units sold.")
    revenue: Money = strawberry.field(description="What they came to.")


@shows(product_days)
@strawberry.type(description="What was sold of a product.")
class ProductSales:
    """Sums over the days."""

    sku: str = strawberry.field(description="Its SKU.")
    title: str = strawberry.field(description="Its name.")
    category: str = strawberry.field(description="Its category.")
    units: BigInt = strawberry.field(description="Units sold.")
    revenue: Money = strawberry.field(description="What they came to.")

    @strawberry.field(description="The id of the `Product`.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """From the sums' own key."""
        return global_id("Product", document["product_id"])


@strawberry.type(description="A page of days.")
class SalesDayConnection(Connection[SalesDay]):
    """Days in their order."""


@strawberry.type(description="The sales of some days; only what is selected is computed.")
class Sales:
    """A range of days, both ends included."""

    first_day: strawberry.Private[date | None]
    last_day: strawberry.Private[date | None]

    @strawberry.field(description="All of these days together.")
    async def total(self, info: Info) -> SalesTotals | None:
        """One aggregation."""
        [found] = await info.context.reading.aggregate(days, day_totals(self.first_day, self.last_day))
        return cast("SalesTotals", found)

    @strawberry.field(description="Day by day, oldest first; days without orders are left out.")
    async def by_day(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> SalesDayConnection | None:
        """One find."""
        listing = days_between(self.first_day, self.last_day)
        return await SalesDayConnection.read(info, listing, page(first, after, last, before))

    @strawberry.field(description="By category, highest revenue first.")
    async def by_category(self, info: Info) -> list[CategorySales] | None:
        """One aggregation."""
        pipeline = category_totals(self.first_day, self.last_day)
        return cast("list[CategorySales]", await info.context.reading.aggregate(category_days, pipeline))

    @strawberry.field(description="The products that sold best.")
    async def best_sellers(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, at most 100.")] = 10,
        by: Annotated[
            BestSellerOrder, strawberry.argument(description="Units or revenue.")
        ] = BestSellerOrder.UNITS,
    ) -> list[ProductSales] | None:
        """One aggregation."""
        if not 1 <= first <= LONGEST_PAGE:
            raise BadPage(f"first takes 1 to {LONGEST_PAGE}, not {first}.")
        pipeline = best_sellers(self.first_day, self.last_day, limit=first, by=by)
        return cast("list[ProductSales]", await info.context.reading.aggregate(product_days, pipeline))


@strawberry.type
class SalesQuery:
    """Reads of the sales by day."""

    @strawberry.field(description="The sales of some days (UTC), by the day on which orders were placed.")
    async def sales(
        self,
        info: Info,
        first_day: Annotated[
            date | None, strawberry.argument(description="From this day on; from the first if null.")
        ] = None,
        last_day: Annotated[
            date | None, strawberry.argument(description="Up to this day; to the last if null.")
        ] = None,
        at_least: AtLeast = None,
    ) -> Sales | None:
        """Waits once; the fields read what they show."""
        refuse_reversed(("firstDay", "lastDay"), first_day, last_day)
        await info.context.reading.ready(days.read_model, await info.context.tokens(at_least))
        return Sales(first_day=first_day, last_day=last_day)


PART = Part(query=SalesQuery)
