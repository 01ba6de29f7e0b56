"""Customers as clients read them: by id, in lists, and with their orders."""

from datetime import datetime
from typing import Annotated, Any, cast

import strawberry

from app.cqrs.reading.pages import Listing
from app.cqrs.viewers import Sight
from app.graphql.admission.limits import refuse_long_search
from app.graphql.execution.context import Info
from app.graphql.execution.visibility import visible_to
from app.read_models.customer_overview import (
    CustomerOrder,
    customer_page,
    customer_with_email,
    customers,
    customers_matching,
)
from app.read_models.order_details import orders
from schema.circle.conditions import (
    MATCH_ALL,
    ORDER_DIRECTION,
    ORDER_FIELD,
    RELEVANCE,
    SEARCH,
    refuse_all_but_one,
)
from schema.circle.enums import describe
from schema.circle.ids import global_id, key_of
from schema.circle.listings import LOOKUPS, listing_field
from schema.circle.nodes import (
    LAST_POSITION,
    VERSION,
    After,
    AtLeast,
    Before,
    Connection,
    First,
    Last,
    MaybeNodeId,
    Node,
    SortDirection,
    linked,
    page,
    read_one,
)
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows
from schema.filters.orders import CustomerOrderFilter, OrderSort, listed_for
from schema.orders import PLACED_AT, Order, OrderConnection
from schema.values import Address, Money

describe(
    CustomerOrder,
    "The values by which customers can be sorted.",
    {
        "RELEVANCE": RELEVANCE.format(
            "the exact e-mail address or telephone number first", "name and company"
        ),
        "NAME": "The name, ignoring case and accents. Closed customers have none, and come first in "
        "ascending order.",
        "LIFETIME_SPEND": "The sum of the totals of the customer's orders, without cancelled ones.",
        "ORDERS": "The number of the customer's orders, without cancelled ones.",
        "REGISTERED_AT": "The time at which the customer was registered.",
    },
    name="CustomerSortField",
)


@strawberry.type(description="The order that a customer placed last.")
class LastOrder:
    placed_at: datetime = strawberry.field(description=PLACED_AT)

    @strawberry.field(description="The global id of the `Order`.")
    def order_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        return global_id("Order", document["id"])

    @strawberry.field(description="The order with its lines, amounts and history.")
    async def order(document: strawberry.Parent[Any], info: Info) -> Order | None:
        return cast("Order | None", await linked(info, orders, document["id"]))


@shows(customers, kinds=["customer"])
@strawberry.type(
    description="A customer with a summary of their orders. Personal data is removed once the customer is "
    "closed."
)
class Customer(Node):
    name: str | None = strawberry.field(description="The name of the customer; null once closed.")
    company: str | None = strawberry.field(
        description="The company of the customer; null if none is given, and once closed."
    )
    email: str | None = strawberry.field(
        description="The e-mail address, unique among customers; null if none is given, and once closed."
    )
    phone: str | None = strawberry.field(
        description="The phone number; null if none is given, and once closed."
    )
    address: Address | None = strawberry.field(
        description="The postal address; null if none is given, and once closed."
    )
    closed: bool = strawberry.field(
        description="True if the customer was closed: they can't order any more, and their personal data "
        "was removed."
    )
    registered_at: datetime = strawberry.field(description="The time at which the customer was registered.")
    order_count: int = strawberry.field(
        description="The number of the customer's orders, without cancelled ones."
    )
    lifetime_spend: Money = strawberry.field(
        description="The sum of the totals of the customer's orders, shipping fees included, without "
        "cancelled orders."
    )
    last_order: LastOrder | None = strawberry.field(
        description="The order that the customer placed last, even if it was cancelled; null if there is "
        "none."
    )
    version: int = strawberry.field(description=VERSION.format("customer"))
    position: Position = strawberry.field(description=LAST_POSITION)

    @strawberry.field(description="The orders of the customer.")
    async def orders(
        document: strawberry.Parent[Any],
        info: Info,
        filter: Annotated[
            CustomerOrderFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all of the customer's orders are "
                "returned."
            ),
        ] = None,
        order_by: Annotated[
            OrderSort | None,
            strawberry.argument(
                description="The sort order. The default is by time of placing, newest first."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> OrderConnection | None:
        listing = listed_for(document["_id"], filter, order_by, info.context.days)
        return await OrderConnection.read(info, listing, page(first, after, last, before))


@strawberry.type(description="A page of customers.")
class CustomerConnection(Connection[Customer]): ...


@strawberry.input(description=f"Conditions on customers. {MATCH_ALL}")
class CustomerFilter:
    search: str | None = strawberry.field(
        default=None,
        description=SEARCH.format("the name, company, e-mail address, city, region, postal code or country")
        + " A telephone number is found by its digits, also without its first ones.",
    )
    closed: bool | None = strawberry.field(
        default=None, description="True for closed customers, false for the others. By default both."
    )

    def __post_init__(self) -> None:
        refuse_long_search(self.search)


@strawberry.input(description="The sort order of a list of customers.")
class CustomerSort:
    field: CustomerOrder = strawberry.field(description=ORDER_FIELD)
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description=ORDER_DIRECTION)


@strawberry.type
class CustomersQuery:
    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(
        description="The customer with this id or e-mail address, of which exactly one is given; null if "
        "there is none.",
        metadata={LOOKUPS: (customer_with_email,)},
    )
    async def customer(
        self,
        info: Info,
        id: MaybeNodeId = None,
        email: Annotated[
            str | None,
            strawberry.argument(description="The e-mail address, in upper or lower case."),
        ] = None,
        at_least: AtLeast = None,
    ) -> Customer | None:
        refuse_all_but_one(("id", "email"), id, email)
        asked = customer_with_email(str(email)) if id is None else key_of("Customer", id)
        return cast("Customer | None", await read_one(info, customers, asked, at_least))

    @visible_to(Sight.ANONYMOUS)
    @strawberry.field(
        description="The customer that you are, by your access token; null if you are none, such as staff.",
        metadata={LOOKUPS: ()},
    )
    async def me(self, info: Info, at_least: AtLeast = None) -> Customer | None:
        reading, key = info.context.reading, info.context.viewer.scope.customer
        tokens = await info.tokens(at_least)
        if key is None:
            return None
        return cast("Customer | None", await reading.get(customers, key, tokens, fields=info.shown))

    @visible_to(Sight.ANONYMOUS)
    @listing_field(CustomerConnection, description="The customers of the shop, closed ones included.")
    def customers(
        self,
        filter: Annotated[
            CustomerFilter | None,
            strawberry.argument(
                description="The conditions to filter by. By default all customers are returned."
            ),
        ] = None,
        order_by: Annotated[
            CustomerSort | None,
            strawberry.argument(
                description="The sort order. The default is by relevance in a search, and else by name, "
                "ascending."
            ),
        ] = None,
    ) -> Listing:
        search, closed = (filter.search, filter.closed) if filter else (None, None)
        usual = CustomerOrder.NAME if search is None else CustomerOrder.RELEVANCE
        order = order_by or CustomerSort(field=usual)
        matching = customers_matching(closed=closed)
        descending = order.direction is SortDirection.DESC
        return customer_page(matching, order.field, search=search, descending=descending)


PART = Part(query=CustomersQuery)
