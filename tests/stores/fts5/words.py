"""A shop of products whose words are alike, and searches for them, from a seed."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from app.cqrs.messages import Event
from app.cqrs.reading.pages import Listing
from app.domain.customers.events import CustomerDetails
from app.read_models.customer_overview import CustomerOrder, customer_page, customers_matching
from app.read_models.product_listing import ProductOrder, product_page, products_matching
from app.values import PostalAddress, Sku
from tests.read_models.shop import (
    customer_closed,
    customer_registered,
    customer_updated,
    money,
    price_changed,
    product_added,
    product_discontinued,
    product_updated,
    stock_received,
)

VOCABULARY = (
    *("tea", "teapot", "teapots", "tears", "pot", "pots", "kettle", "kettles", "copper", "green", "greens"),
    *("Thé", "vert", "Łódź", "smørrebrød", "Don't", "J.R.R.", "Tolkien", "c++", "c#", "中文支持茶壶", "茶壶"),
    *("ชาเขียว", "★", "12", "1950", "extraordinarily", "extraordinary", "a", "B", "ÅNGSTRÖM", "rock'n'roll"),
)
CATEGORIES = ("Tea", "Pots", "$odd", "Bücher")
PRICES = ("0.00", "0.50", "9.99", "10.00", "10.5", "99999999.99", "3")
MISTYPED = ("kettel", "cooper", "teapto", "extraordinaryly", "grene", "tolkein", "zzzzz")


def _text(random: Random, most: int) -> str:
    return " ".join(random.choices(VOCABULARY, k=random.randint(1, most)))


def products(random: Random, count: int) -> Iterator[Event]:
    """So many products, some of which change afterwards."""
    for number in range(1, count + 1):
        yield product_added(
            UUID(int=number),
            sku=Sku(f"{random.choice('ABT')}EA-{number}"),
            name=_text(random, 4),
            description=_text(random, 6) if random.random() < 0.7 else "",
            category=random.choice(CATEGORIES),
            unit_price=money(random.choice(PRICES)),
        )
    for number in random.sample(range(1, count + 1), count // 2):
        match random.randrange(4):
            case 0:
                yield product_updated(UUID(int=number), sku=Sku(f"NEW-{number}"), name=_text(random, 4))
            case 1:
                yield price_changed(random.choice(PRICES), UUID(int=number))
            case 2:
                yield product_discontinued(UUID(int=number))
            case _:
                yield stock_received(5, on_hand=5, product_id=UUID(int=number))


def customers(random: Random, count: int) -> Iterator[Event]:
    """So many customers, some of whom change or close their accounts afterwards."""

    def details(number: int) -> CustomerDetails:
        city, country = _text(random, 1), random.choice(("Denmark", "中文支持茶壶"))
        return CustomerDetails(
            name=_text(random, 3),
            company=_text(random, 2) if random.random() < 0.5 else None,
            email=f"{random.choice(('tea', 'pot.s', 'b+b'))}-{number}@example.com",
            phone=random.choice((None, "+45 (0)86 12-34.56", f"0{number:05} 12")),
            address=PostalAddress(street="1 Quay", city=city, country=country),
        )

    for number in range(1, count + 1):
        yield customer_registered(UUID(int=number), details(number))
    for number in random.sample(range(1, count + 1), count // 3):
        if random.random() < 0.5:
            yield customer_updated(UUID(int=number), name=_text(random, 3))
        else:
            yield customer_closed(UUID(int=number))


def _search(random: Random) -> str:
    texts = [random.choice(VOCABULARY) for _ in range(random.choice((1, 1, 1, 2, 2, 3, 11)))]
    match random.randrange(5):
        case 0:
            texts = [text[: random.randint(1, 3)] for text in texts]
        case 1:
            texts[0] = random.choice(MISTYPED)
        case 2:
            texts = [
                random.choice((f"tea-{random.randint(1, 60)}", f"TEA{random.randint(1, 60)}", "86 12 34"))
            ]
    return " ".join(texts)


def product_search(random: Random) -> Listing:
    """A search for products with any filter and order."""
    some: dict[str, Any] = {
        "categories": random.sample(CATEGORIES, random.randint(0, 3)),
        "price_from": Decimal(random.choice(PRICES)),
        "price_to": Decimal(random.choice(PRICES)),
        "in_stock": random.random() < 0.5,
        "discontinued": random.random() < 0.5,
    }
    chosen = {name: value for name, value in some.items() if random.random() < 0.2}
    return product_page(
        products_matching(**chosen),
        random.choice([ProductOrder.RELEVANCE, *ProductOrder]),
        search=_search(random),
        descending=random.random() < 0.4,
    )


def customer_search(random: Random) -> Listing:
    """A search for customers with any filter and order."""
    return customer_page(
        customers_matching(closed=random.choice((None, None, False, True))),
        random.choice([CustomerOrder.RELEVANCE, *CustomerOrder]),
        search=_search(random),
        descending=random.random() < 0.4,
    )
