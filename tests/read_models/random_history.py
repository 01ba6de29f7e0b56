"""A long, plausible history of a shop, the same for the same seed."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

from app.cqrs.messages import Event
from app.domain.customers.events import CustomerDetails
from app.domain.orders.events import OrderPlaced
from app.values import Sku
from tests.read_models.shop import (
    OPENING,
    customer_closed,
    customer_registered,
    customer_updated,
    line,
    money,
    order_cancelled,
    order_paid,
    order_placed,
    order_shipped,
    price_changed,
    product_added,
    product_discontinued,
    product_updated,
    stock_received,
    stock_reserved,
)

CATEGORIES = ("Beverages", "Coffee", "Sweets")
PRODUCTS = [UUID(int=number) for number in range(1, 31)]
CUSTOMERS = [UUID(int=number) for number in range(101, 121)]


def random_history(seed: int, *, orders: int) -> list[Event]:
    """Products and customers first, then orders, and what becomes of all of them."""
    random = Random(seed)
    return [*_catalog(random), *_register(random), *_sales(random, orders)]


def _catalog(random: Random) -> Iterator[Event]:
    for number, product in enumerate(PRODUCTS):
        yield product_added(
            product,
            sku=Sku(f"SKU-{number}"),
            name=random.choice(["Tea", "Kaffee", "Crème"]),
            category=random.choice(CATEGORIES),
            unit_price=money(f"{random.randrange(5)}.50"),
        )
        if random.random() < 0.5:
            yield stock_received(20, on_hand=20, product_id=product)


def _register(random: Random) -> Iterator[Event]:
    for number, customer in enumerate(CUSTOMERS):
        yield customer_registered(customer, CustomerDetails(name=random.choice("ABC") + str(number % 3)))


def _sales(random: Random, orders: int) -> Iterator[Event]:
    open_orders: list[OrderPlaced] = []
    paid: list[OrderPlaced] = []
    for number in range(orders):
        open_orders.append(_order(random, number))
        yield open_orders[-1]
        product, customer = random.choice(PRODUCTS), random.choice(CUSTOMERS)
        match random.randrange(9):
            case 0 | 1 | 2:
                paid.append(open_orders.pop(random.randrange(len(open_orders))))
                yield order_paid(paid[-1])
            case 3 | 4 if paid:
                yield order_shipped(paid.pop(random.randrange(len(paid))))
            case 5:
                yield order_cancelled(open_orders.pop(random.randrange(len(open_orders))))
            case 6:
                yield customer_updated(customer, name=random.choice(["Zoë", "Émile", "Yuki"]))
                yield price_changed(f"{random.randrange(9)}.25", product)
            case 7:
                yield product_updated(product, sku=Sku("NEW"), category=random.choice(CATEGORIES))
                yield stock_reserved(1, on_hand=20, reserved=random.randrange(20), product_id=product)
            case 8 if random.random() < 0.2:
                yield customer_closed(customer)
                yield product_discontinued(product)


def _order(random: Random, number: int) -> OrderPlaced:
    lines = [
        line(
            random.choice(PRODUCTS),
            quantity=random.randint(1, 9),
            total=f"{random.randrange(100)}.{random.randrange(100):02}",
            category=random.choice(CATEGORIES),
        )
        for _ in range(random.randint(1, 4))
    ]
    return order_placed(
        UUID(int=1000 + number),
        customer_id=random.choice(CUSTOMERS),
        lines=lines,
        shipping_fee=f"{random.randrange(3)}.00",
        placed_at=OPENING - timedelta(hours=random.randrange(200)),
    )
