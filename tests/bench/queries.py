"""The three queries, and the requests for them: the same, in the same order, for every server."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

import sqlalchemy as sa

from app.domain.catalog.tables import products
from app.domain.orders.tables import orders
from schema.circle.ids import global_id

REQUESTS = 2_000
"""Different ids in the list of a query, or as many as there are."""

Variables = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Query:
    """A question in GraphQL, and the path of a plain endpoint for it."""

    name: str
    says: str
    text: str
    path: str
    """With the variable in braces."""

    def over_graphql(self, variables: Variables, path: str = "/graphql") -> bytes:
        """The request in HTTP/1.1."""
        return graphql_request(self.text, variables, path)

    def path_for(self, variables: Variables) -> str:
        """The path of a plain endpoint."""
        return self.path.format(**{name: quote(value, safe="") for name, value in variables.items()})

    def plainly(self, variables: Variables) -> bytes:
        """The request of a plain endpoint's client."""
        path = self.path_for(variables)
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


ORDER_PAGE = Query(
    name="Q1",
    says="an order page by id",
    path="/orders/{id}",
    text="""query OrderPage($id: ID!) { order(id: $id) {
  id version status placedAt units
  subtotal { amount } shippingFee { amount } total { amount currencyCode }
  customer { customerId name company }
  lines { sku title packaging quantity discount unitPrice { amount } total { amount } } } }""",
)
CATEGORY = Query(
    name="Q2",
    says="the first 20 products of a category by price",
    path="/products/{category}",
    text="""query Category($category: String!) {
  products(filter: { categories: [$category] }, orderBy: { field: PRICE }, first: 20) {
    nodes { id sku name category packaging price { amount } available inStock }
    pageInfo { hasNextPage endCursor } } }""",
)
CUSTOMER_ORDERS = Query(
    name="Q3",
    says="a customer's last 20 orders with lines",
    path="/customers/{id}/orders",
    text="""query CustomerOrders($id: ID!) { customer(id: $id) { orders(first: 20) { nodes {
  id status placedAt total { amount }
  lines { sku title quantity unitPrice { amount } total { amount } } } } } }""",
)
QUERIES = (ORDER_PAGE, CATEGORY, CUSTOMER_ORDERS)


def variables_for(store: sa.Engine, seed: int) -> Mapping[str, Sequence[Variables]]:
    """By query: whom to ask for, drawn from the write store; of customers those with 20 orders or more."""
    chance = Random(seed)
    busy = sa.select(orders.c.customer_id).group_by(orders.c.customer_id).having(sa.func.count() >= 20)
    with store.connect() as connection:
        all_orders = connection.scalars(sa.select(orders.c.id).order_by(orders.c.id)).all()
        customers = connection.scalars(busy.order_by(orders.c.customer_id)).all()
        categories = connection.scalars(sa.select(products.c.category).distinct().order_by("category")).all()
    asked_for = {
        ORDER_PAGE.name: [{"id": global_id("Order", id)} for id in all_orders],
        CATEGORY.name: [{"category": category} for category in categories],
        CUSTOMER_ORDERS.name: [{"id": global_id("Customer", id)} for id in customers],
    }
    return {name: chance.sample(found, min(REQUESTS, len(found))) for name, found in asked_for.items()}


def graphql_request(text: str, variables: Mapping[str, object], path: str = "/graphql") -> bytes:
    """A GraphQL operation as a request in HTTP/1.1."""
    body = json.dumps({"query": text, "variables": variables}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
