"""Sales as clients read them: in total, by day, month, category and customer, and the best-sellers."""

from datetime import date
from typing import Annotated, Any, cast

import strawberry

from app.cqrs.reading.pages import LONGEST_PAGE, BadPage
from app.cqrs.viewers import Sight
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from app.read_models.customer_overview import customers
from app.read_models.product_listing import products
from app.read_models.sales_by_day import (
    BestSellerOrder,
    CustomerSalesOrder,
    best_sellers,
    category_days,
    category_totals,
    customer_days,
    customer_totals,
    day_totals,
    days,
    days_between,
    month_totals,
    product_days,
)
from schema.catalog import Product
from schema.circle.conditions import refuse_reversed
from schema.circle.enums import describe
from schema.circle.ids import global_id
from schema.circle.nodes import After, AtLeast, Before, Connection, First, Last, linked, page
from schema.circle.parts import Part
from schema.circle.scalars import BigInt
from schema.circle.shown import shows
from schema.customers import Customer
from schema.values import Money

describe(
    BestSellerOrder,
    "The figures by which best-sellers can be ranked.",
    {"UNITS": "The number of units sold.", "REVENUE": "The revenue, without shipping fees."},
)
describe(
    CustomerSalesOrder,
    "The figures by which customers can be ranked.",
    {
        "REVENUE": "The revenue, without shipping fees.",
        "ORDERS": "The number of orders.",
        "UNITS": "The number of units on the lines of these orders.",
    },
)


@strawberry.type(
    description="Sums over the orders that were placed in a period, paid or not. Cancelled orders count in "
    "`cancelled` only."
)
class SalesTotals:
    orders: int = strawberry.field(description="The number of orders, without cancelled ones.")
    units: BigInt = strawberry.field(description="The number of units on the lines of these orders.")
    revenue: Money = strawberry.field(
        description="The sum of the line totals of these orders, each of which was rounded on its own, "
        "without shipping fees."
    )
    shipping_fees: Money = strawberry.field(description="The sum of the shipping fees of these orders.")
    cancelled: int = strawberry.field(
        description="The number of orders that were placed in the period and later cancelled."
    )
    shipped: int = strawberry.field(
        description="The number of orders that were placed in the period and later shipped."
    )


@shows(days)
@strawberry.type(
    description="Sums over the orders that were placed on one day, paid or not. Cancelled orders count in "
    "`cancelled` only."
)
class SalesDay(SalesTotals):
    @strawberry.field(description="The day, from midnight to midnight in the time zone of the shop.")
    def day(document: strawberry.Parent[Any]) -> date:
        return date.fromisoformat(document["day"])


@strawberry.type(
    description="Sums over the orders that were placed in one calendar month, paid or not, as far as its "
    "days lie in the range. Cancelled orders count in `cancelled` only."
)
class SalesMonth(SalesTotals):
    @strawberry.field(description="The first day of the month, even if it lies before the range.")
    def month(document: strawberry.Parent[Any]) -> date:
        return date.fromisoformat(document["month"])


@shows(category_days)
@strawberry.type(description="The sales of one category, without cancelled orders.")
class CategorySales:
    category: str = strawberry.field(
        description="The name of the category in which products were when they were ordered."
    )
    units: BigInt = strawberry.field(description="The number of units sold.")
    revenue: Money = strawberry.field(description="The sum of the line totals, without shipping fees.")


@shows(product_days)
@strawberry.type(description="The sales of one product, without cancelled orders.")
class ProductSales:
    sku: str = strawberry.field(description="The SKU of the product.")
    title: str = strawberry.field(
        description="The name of the product, as of the last day of the range on which it was ordered."
    )
    category: str = strawberry.field(
        description="The category of the product, as of the last day of the range on which it was ordered."
    )
    units: BigInt = strawberry.field(description="The number of units sold.")
    revenue: Money = strawberry.field(description="The sum of the line totals, without shipping fees.")

    @strawberry.field(description="The global id of the `Product`.")
    def product_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Product", document["product_id"])

    @strawberry.field(description="The product as it is now, with its current price and stock.")
    async def product(document: strawberry.Parent[Any], info: Info) -> Product | None:
        return cast("Product | None", await linked(info, products, document["product_id"]))


@shows(customer_days)
@strawberry.type(description="The sales to one customer, without cancelled orders.")
class CustomerSales:
    orders: int = strawberry.field(description="The number of orders.")
    units: BigInt = strawberry.field(description="The number of units on the lines of these orders.")
    revenue: Money = strawberry.field(description="The sum of the line totals, without shipping fees.")
    shipping_fees: Money = strawberry.field(description="The sum of the shipping fees of these orders.")

    @strawberry.field(description="The global id of the `Customer`.")
    def customer_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Customer", document["customer_id"])

    @strawberry.field(description="The customer, with the details of today.")
    async def customer(document: strawberry.Parent[Any], info: Info) -> Customer | None:
        return cast("Customer | None", await linked(info, customers, document["customer_id"]))


@strawberry.type(description="A page of days with their sales.")
class SalesDayConnection(Connection[SalesDay]): ...


@strawberry.type(description="The sales of a range of days. Only selected fields are computed.")
class Sales:
    first_day: strawberry.Private[date | None]
    last_day: strawberry.Private[date | None]

    @strawberry.field(
        description="The name of the time zone whose days these are, such as `Europe/Berlin`: the shop's."
    )
    def time_zone(self, info: Info) -> str:
        return info.context.days.zone

    @strawberry.field(description="The sums over all days of the range.")
    async def total(self, info: Info) -> SalesTotals | None:
        [found] = await info.context.reading.aggregate(days, day_totals(self.first_day, self.last_day))
        return cast("SalesTotals", found)

    @strawberry.field(
        description="The sums of each day of the range, oldest first. An order counts on the day on which it "
        "was placed in the time zone of the shop, whenever it is paid or shipped. Days on which no order was "
        "placed are left out."
    )
    async def by_day(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> SalesDayConnection | None:
        listing = days_between(self.first_day, self.last_day)
        return await SalesDayConnection.read(info, listing, page(first, after, last, before))

    @strawberry.field(description="The sales of each category, highest revenue first.")
    async def by_category(self, info: Info) -> list[CategorySales] | None:
        pipeline = category_totals(self.first_day, self.last_day)
        return cast("list[CategorySales]", await info.context.reading.aggregate(category_days, pipeline))

    @strawberry.field(
        description="The sums of each calendar month, newest first, over those of its days that lie in the "
        "range. An order counts in the month in which it was placed in the time zone of the shop, whenever "
        "it is paid or shipped. Months in which no order was placed are left out. Set `lastDay` to the day "
        "before the oldest month to get older ones."
    )
    async def by_month(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(description="The maximum number of months to return: 1 to 100.")
        ] = 12,
    ) -> list[SalesMonth] | None:
        _refuse_size(first)
        pipeline = month_totals(self.first_day, self.last_day, limit=first)
        return cast("list[SalesMonth]", await info.context.reading.aggregate(days, pipeline))

    @strawberry.field(description="The customers who bought most, in descending order.")
    async def by_customer(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(description="The maximum number of customers to return: 1 to 100.")
        ] = 10,
        by: Annotated[
            CustomerSalesOrder, strawberry.argument(description="The figure by which customers are ranked.")
        ] = CustomerSalesOrder.REVENUE,
    ) -> list[CustomerSales] | None:
        _refuse_size(first)
        pipeline = customer_totals(self.first_day, self.last_day, limit=first, by=by)
        return cast("list[CustomerSales]", await info.context.reading.aggregate(customer_days, pipeline))

    @strawberry.field(description="The products that sold best, in descending order.")
    async def best_sellers(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(description="The maximum number of products to return: 1 to 100.")
        ] = 10,
        by: Annotated[
            BestSellerOrder, strawberry.argument(description="The figure by which products are ranked.")
        ] = BestSellerOrder.UNITS,
    ) -> list[ProductSales] | None:
        _refuse_size(first)
        pipeline = best_sellers(self.first_day, self.last_day, limit=first, by=by)
        return cast("list[ProductSales]", await info.context.reading.aggregate(product_days, pipeline))


def _refuse_size(first: int) -> None:
    if not 1 <= first <= LONGEST_PAGE:
        raise BadPage(f"first takes 1 to {LONGEST_PAGE}, not {first}.")


@strawberry.type
class SalesQuery:
    @visible_to(Sight.STAFF)
    @strawberry.field(
        description="The sales of a range of days. An order counts on the day of its `placedAt`, from "
        "midnight to midnight in the time zone of the shop (`timeZone`), whenever it is paid or shipped. If "
        "it is cancelled later, it is taken out of the figures of that day, and counts in `cancelled`."
    )
    async def sales(
        self,
        info: Info,
        first_day: Annotated[
            date | None,
            strawberry.argument(
                description="The first day, inclusive. By default the day of the first order."
            ),
        ] = None,
        last_day: Annotated[
            date | None,
            strawberry.argument(description="The last day, inclusive. By default the day of the last order."),
        ] = None,
        at_least: AtLeast = None,
    ) -> Sales | None:
        refuse_reversed(("firstDay", "lastDay"), first_day, last_day)
        await info.context.reading.ready(days.read_model, await info.tokens(at_least))
        return Sales(first_day=first_day, last_day=last_day)


PART = Part(query=SalesQuery)
