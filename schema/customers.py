"""Customers as clients read them: the register, and a customer with their orders."""

from datetime import datetime
from typing import Annotated, Any, cast

import strawberry

from app.cqrs.reading.pages import Listing
from app.graphql.admission.limits import refuse_long_search
from app.graphql.execution.context import Info
from app.read_models.customer_overview import (
    CustomerOrder,
    customer_page,
    customers,
    customers_matching,
)
from app.read_models.order_details import orders_of_customer
from schema.circle.enums import describe
from schema.circle.ids import global_id, key_of
from schema.circle.listings import listing_field
from schema.circle.nodes import (
    After,
    AtLeast,
    Before,
    Connection,
    First,
    Last,
    Node,
    NodeId,
    SortDirection,
    page,
)
from schema.circle.parts import Part
from schema.circle.scalars import Position
from schema.circle.shown import shows
from schema.orders import OrderConnection
from schema.values import Address, Money

describe(
    CustomerOrder,
    "What customers can be sorted by.",
    {
        "NAME": "Their names, without regard to case and accents.",
        "LIFETIME_SPEND": "What their orders come to.",
        "ORDERS": "The number of their orders.",
        "REGISTERED_AT": "When they were registered.",
    },
    name="CustomerSortField",
)


@strawberry.type(description="A customer's newest order.")
class LastOrder:
    """When it was placed, and which it is."""

    placed_at: datetime = strawberry.field(description="When it was placed.")

    @strawberry.field(description="The id of the `Order`.")
    def order_id(document: strawberry.Parent[Any]) -> strawberry.ID:
        """From the customer's own document."""
        return global_id("Order", document["id"])


@shows(customers, kinds=["customer"])
@strawberry.type(description="A customer, with what their orders come to. Nameless once closed.")
class Customer(Node):
    """One document, and the connection to the orders."""

    name: str | None = strawberry.field(description="Their name; null once closed.")
    company: str | None = strawberry.field(description="Their company.")
    email: str | None = strawberry.field(description="Their e-mail address.")
    phone: str | None = strawberry.field(description="Their phone number.")
    address: Address | None = strawberry.field(description="Their postal address.")
    closed: bool = strawberry.field(description="Whether the business with them has ended.")
    registered_at: datetime = strawberry.field(description="When they were registered.")
    order_count: int = strawberry.field(description="Their orders, cancelled ones left out.")
    lifetime_spend: Money = strawberry.field(description="What these come to, shipping fees included.")
    last_order: LastOrder | None = strawberry.field(description="Their newest order, even if cancelled.")
    version: int = strawberry.field(description="Their version, for `expectedVersion`.")
    position: Position = strawberry.field(description="The event that changed this document last.")

    @strawberry.field(description="Their orders, newest first, with all that the order pages show.")
    async def orders(
        document: strawberry.Parent[Any],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> OrderConnection | None:
        """One find in the order details."""
        listing = orders_of_customer(document["_id"])
        return await OrderConnection.read(info, listing, page(first, after, last, before))


@strawberry.type(description="A page of customers.")
class CustomerConnection(Connection[Customer]):
    """Customers in an order."""


@strawberry.input(description="Which customers; all conditions together.")
class CustomerFilter:
    """Every condition has an index."""

    search: str | None = strawberry.field(
        default=None,
        description="Words, or their beginnings, in name, company or e-mail address. Text without a word, "
        "such as `!`, finds nothing.",
    )
    closed: bool | None = strawberry.field(default=None, description="Closed, or not.")

    def __post_init__(self) -> None:
        refuse_long_search(self.search)


@strawberry.input(description="How customers are sorted.")
class CustomerSort:
    """A field and a direction."""

    field: CustomerOrder = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type
class CustomersQuery:
    """Reads of the customer overview."""

    @strawberry.field(description="A customer by their id; null where there is none.")
    async def customer(self, info: Info, id: NodeId, at_least: AtLeast = None) -> Customer | None:
        """One find by key."""
        key, tokens = key_of("Customer", id), await info.context.tokens(at_least)
        return cast(
            "Customer | None", await info.context.reading.get(customers, str(key), tokens, fields=info.shown)
        )

    @listing_field(CustomerConnection, description="The customers of the shop.")
    def customers(
        self,
        filter: Annotated[CustomerFilter | None, strawberry.argument(description="Which; or all.")] = None,
        order_by: Annotated[
            CustomerSort | None, strawberry.argument(description="In which order; by name if null.")
        ] = None,
    ) -> Listing:
        """Return what is listed, for one find."""
        order = order_by or CustomerSort(field=CustomerOrder.NAME)
        matching = customers_matching(**vars(filter)) if filter else {}
        return customer_page(matching, order.field, descending=order.direction is SortDirection.DESC)


PART = Part(query=CustomersQuery)
