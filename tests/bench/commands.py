"""Commands as requests: the ones that invalidate what is read, and orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

import sqlalchemy as sa

from app.domain.customers.tables import customers
from app.domain.stock.tables import stocks
from schema.circle.ids import global_id
from tests.bench.queries import graphql_request

_MUTATION = """mutation Send($input: {type}!) {{ {name}(input: $input) {{
  receipt {{ events {{ position }} }} errors {{ message }} }} }}"""

RECEIVE_STOCK = _MUTATION.format(type="ReceiveStockInput", name="receiveStock")
PLACE_ORDER = _MUTATION.format(type="PlaceOrderInput", name="placeOrder")
UPDATE_CUSTOMER = _MUTATION.format(type="UpdateCustomerInput", name="updateCustomer")

WELL_IN_STOCK = 20
"""Units, so that no order is refused: a quarter of the commands are orders, half of them deliveries of 10."""

_companies = count(1)


@dataclass(frozen=True)
class Known:
    """Whom and what commands are about, as global ids."""

    products: Sequence[str]
    customers: Sequence[str]

    @classmethod
    def of(cls, store: sa.Engine) -> "Known":
        """The products that are well in stock, and all customers."""
        in_stock = sa.select(stocks.c.product_id).where(stocks.c.on_hand - stocks.c.reserved >= WELL_IN_STOCK)
        everybody = sa.select(customers.c.id).order_by(customers.c.id)
        with store.connect() as connection:
            on_sale = connection.scalars(in_stock.order_by(stocks.c.product_id)).all()
            buyers = connection.scalars(everybody).all()
        return cls([global_id("Product", id) for id in on_sale], [global_id("Customer", id) for id in buyers])


def deliveries(known: Known, chance: Random, number: int) -> list[bytes]:
    """Commands that put units of any product on the shelf."""
    return [_delivery(chance.choice(known.products)) for _ in range(number)]


def orders(known: Known, chance: Random, number: int) -> list[bytes]:
    """Commands that place an order with three lines."""
    return [_order(known, chance) for _ in range(number)]


def invalidating(known: Known, chance: Random, number: int) -> list[bytes]:
    """Commands that change what the three queries show: half of them deliveries, a quarter orders, and a
    quarter new companies, each of which changes every order page of a customer.
    """

    def mixed() -> Iterator[bytes]:
        while True:
            yield _delivery(chance.choice(known.products))
            yield _order(known, chance)
            yield _delivery(chance.choice(known.products))
            yield _company(chance.choice(known.customers))

    commands = mixed()
    return [next(commands) for _ in range(number)]


def _delivery(product: str) -> bytes:
    return graphql_request(RECEIVE_STOCK, {"input": {"productId": product, "quantity": 10}})


def _order(known: Known, chance: Random) -> bytes:
    lines = [{"productId": product, "quantity": 1} for product in chance.sample(known.products, 3)]
    return graphql_request(
        PLACE_ORDER, {"input": {"customerId": chance.choice(known.customers), "lines": lines}}
    )


def _company(customer: str) -> bytes:
    company = f"Company {next(_companies)}"
    return graphql_request(UPDATE_CUSTOMER, {"input": {"customerId": customer, "company": company}})
