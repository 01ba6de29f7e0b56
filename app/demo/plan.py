"""The demo shop as a list of commands, which is the same for the same size and seed."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from random import Random
from uuid import UUID, uuid5

from app.cqrs.messages import Command
from app.demo.invention import Good, Person, countries, goods
from app.domain.catalog.commands import AddProduct
from app.domain.customers.commands import RegisterCustomer
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.stock.commands import ReceiveStock
from app.values import CENT

_NAMESPACE = UUID("5c2f1f0e-6f0b-4a86-9d53-9a0f6b1d7c11")
_FIRST_DAY, _NEWEST = timedelta(days=90), timedelta(minutes=20)  # ages of the oldest and the newest order
_PEOPLE_OF_A_COUNTRY = 16

EDITIONS = (
    ("", Decimal(1)),
    (", in a gift box", Decimal("1.20")),
    (", as a pair", Decimal("1.90")),
    (", for three friends", Decimal("2.70")),
    (", with a scratch", Decimal("0.60")),
    (", signed by its maker", Decimal("1.50")),
    (", by the crate", Decimal("10.00")),
)
"""Variants that make more products of the same goods: a suffix of the title and a factor of the price."""

CHANGES_OF_MIND = (
    "Ordered twice by mistake.",
    "Found grandmother's in the attic.",
    "Moving house; will order again from there.",
    "The birthday was last week.",
    "A friend had the same idea.",
)
"""Reasons for cancellations."""


@dataclass
class Known:
    """The results of earlier commands: ids by the names of their steps."""

    opened: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The time of the first command, to which the ages of orders relate."""
    ids: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command of the plan, with an id that is the same each time it is sent."""

    name: str
    command_id: UUID
    command: Callable[[Known], Command]


@dataclass(frozen=True, kw_only=True)
class _Order:
    name: str
    customer: int
    units: dict[int, int]
    """Units by the number of the product."""
    discount: Decimal
    fee: Decimal
    age: timedelta
    present_for: int | None
    """The number of the customer who receives the order as a present, if it is one."""
    steps: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A demo shop of a given size, generated from a seed."""

    products: int = 48
    customers: int = 40
    orders: int = 160
    seed: int = 1

    @cached_property
    def plan(self) -> tuple[Step, ...]:
        """All commands in the order in which they must be sent; orders are sorted from old to new."""
        orders = sorted(map(self._order, range(self.orders)), key=lambda order: -order.age)
        return (
            *(self._adding(number) for number in range(self.products)),
            *self._receiving(orders),
            *(self._registering(number) for number in range(self.customers)),
            *(step for order in orders for step in self._ordering(order)),
        )

    def _random(self, *what: object) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311

    def _step(self, name: str, command: Callable[[Known], Command], *, sized: bool = False) -> Step:
        size = f"{self.products} {self.customers} " if sized else ""
        return Step(name=name, command_id=uuid5(_NAMESPACE, f"{self.seed} {size}{name}"), command=command)

    def _adding(self, number: int) -> Step:
        good, title, price = _product(number)
        code = "".join(letter for letter in good.category.upper() if letter.isalpha())[:3]
        product = AddProduct(
            sku=f"{code}-{self.seed}-{number + 1:03}",
            name=title,
            category=good.category,
            unit_price=price,
            description=good.description,
            packaging=good.packaging,
        )
        return self._step(f"product {number}", lambda _known: product)

    def _receiving(self, orders: list[_Order]) -> Iterator[Step]:
        """Yield deliveries that suffice for the orders, and leave some units of most products."""
        units: Counter[int] = Counter()
        for order in orders:
            units.update(order.units)
        for number in range(self.products):
            random = self._random("stock", number)
            left = 0 if random.random() < 0.1 else random.randint(3, 80)
            if received := units[number] + left:
                yield self._step(f"stock {self.orders} {number}", _delivery(number, received), sized=True)

    def _person(self, number: int) -> Person:
        country = countries()[number % len(countries())]
        return country.person(number // len(countries()), self._random("house", number).randint(1, 98))

    def _registering(self, number: int) -> Step:
        country, person = countries()[number % len(countries())], self._person(number)
        namesake = number // len(countries()) // _PEOPLE_OF_A_COUNTRY or ""
        customer = RegisterCustomer(
            name=person.name,
            company=country.company if number % 3 == 0 else None,
            email=f"{person.mailbox}{namesake}@post{self.seed}.example",
            phone=country.phone.format(n=number),
            address=person.address,
        )
        return self._step(f"customer {number}", lambda _known: customer)

    @cached_property
    def _popularity(self) -> tuple[list[int], list[float]]:
        """The numbers of the products, best-selling first, and their cumulative weights."""
        numbers = list(range(self.products))
        self._random("popularity").shuffle(numbers)
        return numbers, list(accumulate(1 / (rank + 4) for rank in range(self.products)))

    def _order(self, number: int) -> _Order:
        random = self._random("order", self.products, self.customers, number)
        customer = min(random.randrange(self.customers), random.randrange(self.customers))
        numbers, weights = self._popularity
        chosen = random.choices(numbers, cum_weights=weights, k=random.choice((1, 1, 2, 2, 3, 4)))
        most = 12 if customer % 3 == 0 else 3
        age = _NEWEST + (_FIRST_DAY - _NEWEST) * random.random() ** 1.3
        return _Order(
            name=f"order {number}",
            customer=customer,
            units={product: random.randint(1, most) for product in sorted(set(chosen))},
            discount=random.choice((Decimal(0),) * 6 + (Decimal("0.05"), Decimal("0.1"), Decimal("0.15"))),
            fee=random.choice(
                (Decimal(0), Decimal("4.90"), Decimal("4.90"), Decimal("6.50"), Decimal("9.80"))
            ),
            age=timedelta(seconds=round(age.total_seconds())),
            present_for=random.randrange(self.customers) if random.random() < 0.08 else None,
            steps=_steps(age, random.random()),
            reason=random.choice(CHANGES_OF_MIND),
        )

    def _ordering(self, order: _Order) -> Iterator[Step]:
        ship_to = None
        if order.present_for is not None:
            friend = self._person(order.present_for)
            ship_to = replace(friend.address, recipient=friend.name)

        def place(known: Known) -> Command:
            return PlaceOrder(
                customer_id=known.ids[f"customer {order.customer}"],
                lines=tuple(
                    LineRequest(
                        product_id=known.ids[f"product {product}"], quantity=units, discount=order.discount
                    )
                    for product, units in order.units.items()
                ),
                shipping_fee=order.fee,
                ship_to=ship_to,
                placed_at=known.opened - order.age,
            )

        further: dict[str, Callable[[Known], Command]] = {
            "pay": lambda known: PayOrder(order_id=known.ids[order.name]),
            "ship": lambda known: ShipOrder(order_id=known.ids[order.name]),
            "cancel": lambda known: CancelOrder(order_id=known.ids[order.name], reason=order.reason),
        }
        yield self._step(order.name, place, sized=True)
        for step in order.steps:
            yield self._step(f"{step} {order.name}", further[step], sized=True)


def _delivery(product: int, units: int) -> Callable[[Known], Command]:
    return lambda known: ReceiveStock(product_id=known.ids[f"product {product}"], quantity=units)


def _product(number: int) -> tuple[Good, str, Decimal]:
    round_, index = divmod(number, len(goods()))
    batch, edition = divmod(round_, len(EDITIONS))
    good, (suffix, factor) = goods()[index], EDITIONS[edition]
    title = f"{good.name}{suffix}" + (f" (batch {batch + 1})" if batch else "")
    return good, title, (Decimal(good.price) * factor).quantize(CENT)


def _steps(age: timedelta, luck: float) -> tuple[str, ...]:
    """Return the further steps of an order of this age: most are shipped within days, some are cancelled."""
    if luck < 0.07:
        return ("cancel",) if luck < 0.05 else ("pay", "cancel")
    shipped, paid = (0.97, 1.0) if age > timedelta(days=5) else (0.45, 0.8)
    return ("pay", "ship") if luck < shipped else ("pay",) if luck < paid else ()
