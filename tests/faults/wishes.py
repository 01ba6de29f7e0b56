"""What a shop's users want next: mutations drawn from what is known to be there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.journal import Acknowledged, Entry

CATEGORIES = ("Tea", "Coffee", "Kitchen")


@dataclass(frozen=True)
class Wish:
    mutation: str
    input: dict[str, Any]


@dataclass
class Known:
    """The ids of what acknowledged commands have made."""

    products: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    names: int = 0
    """How many names were given out, so that most are new."""

    def new_name(self) -> str:
        self.names += 1
        return f"{self.names}"

    def learn(self, entry: Entry, answer: Acknowledged) -> None:
        """Remembers what the command has made, or how far an order is."""
        if not answer.subjects:
            return
        match entry.mutation:
            case "addProduct":
                self.products.append(answer.subjects[0])
            case "registerCustomer":
                self.customers.append(answer.subjects[0])
            case "placeOrder":
                self.orders.append(answer.subjects[0])
                self.placed.append(answer.subjects[0])
            case "payOrder":
                self.paid.append(answer.subjects[0])


Draw = Callable[[Random, Known], Wish]


def add_product(chance: Random, known: Known) -> Wish:
    number = known.new_name() if chance.random() < 0.9 else "1"  # now and then one that is taken
    price = {"amount": f"{chance.randint(1, 9999) / 100:.2f}"}
    words = {"sku": f"SKU-{number}", "name": f"Thing {number}", "category": chance.choice(CATEGORIES)}
    return Wish("addProduct", {**words, "unitPrice": price})


def register_customer(chance: Random, known: Known) -> Wish:
    number = known.new_name()
    return Wish("registerCustomer", {"name": f"Customer {number}", "email": f"c{number}@example.org"})


def receive_stock(chance: Random, known: Known) -> Wish:
    return Wish(
        "receiveStock", {"productId": chance.choice(known.products), "quantity": chance.randint(1, 40)}
    )


def adjust_stock(chance: Random, known: Known) -> Wish:
    change = chance.randint(-5, 5)
    return Wish(
        "adjustStock", {"productId": chance.choice(known.products), "change": change, "reason": "counted"}
    )


def place_order(chance: Random, known: Known) -> Wish:
    wanted = chance.sample(known.products, k=min(len(known.products), chance.randint(1, 3)))
    lines = [{"productId": id, "quantity": chance.randint(1, 4)} for id in wanted]
    return Wish("placeOrder", {"customerId": chance.choice(known.customers), "lines": lines})


def pay_order(chance: Random, known: Known) -> Wish:
    return Wish("payOrder", {"orderId": _taken(chance, known.placed, known)})


def ship_order(chance: Random, known: Known) -> Wish:
    return Wish("shipOrder", {"orderId": _taken(chance, known.paid, known)})


def cancel_order(chance: Random, known: Known) -> Wish:
    return Wish("cancelOrder", {"orderId": chance.choice(known.orders), "reason": "changed my mind"})


def change_price(chance: Random, known: Known) -> Wish:
    price = {"amount": f"{chance.randint(1, 9999) / 100:.2f}"}
    return Wish("changePrice", {"productId": chance.choice(known.products), "unitPrice": price})


def update_customer(chance: Random, known: Known) -> Wish:
    name = f"Renamed {chance.randint(1, 999)}"
    return Wish("updateCustomer", {"customerId": chance.choice(known.customers), "name": name})


def close_customer(chance: Random, known: Known) -> Wish:
    return Wish("closeCustomer", {"customerId": chance.choice(known.customers[1:] or known.customers)})


_OFTEN: dict[Draw, int] = {
    add_product: 2,
    register_customer: 2,
    receive_stock: 5,
    adjust_stock: 2,
    place_order: 9,
    pay_order: 5,
    ship_order: 4,
    cancel_order: 2,
    change_price: 2,
    update_customer: 2,
}


def next_wish(chance: Random, known: Known) -> Wish:
    """What a user wants next; now and then a customer leaves for good."""
    if chance.random() < 0.01 and len(known.customers) > 3:
        return close_customer(chance, known)
    possible = _OFTEN if known.orders else {draw: n for draw, n in _OFTEN.items() if draw not in _ON_ORDERS}
    return chance.choices(list(possible), list(possible.values()))[0](chance, known)


_ON_ORDERS = {pay_order, ship_order, cancel_order}


def _taken(chance: Random, ready: list[str], known: Known) -> str:
    """An order that is ready for it, or, where there is none, any."""
    return ready.pop(chance.randrange(len(ready))) if ready else chance.choice(known.orders)
