"""The viewers of a shop that takes tokens, and the marks by which the documents of two of them are known."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from schema.circle.ids import global_id, key_of
from tests.schema.client import Client
from tests.schema.shop import Shop

SECRET = "the secret with which the tokens of these tests are signed"

ANONYMOUS, ADA, BOB, STAFF, OPERATOR = ROLES = ("anonymous", "ada", "bob", "staff", "operator")
CUSTOMERS = (ADA, BOB)


def token_of(actor: str, role: str, customer: str = "") -> str:
    """A token for an hour."""
    claims = {"sub": actor, "roles": [role], "exp": int(time.time()) + 3600}
    return jwt.encode({**claims, **({"customer": customer} if customer else {})}, SECRET, algorithm="HS256")


@dataclass(kw_only=True)
class Belongings:
    """All that belongs to one customer."""

    customer: str
    """The global id."""
    orders: list[str] = field(default_factory=list)
    """Global ids of orders."""
    cursors: list[str] = field(default_factory=list)
    """Cursors of lists in which the customer's documents are."""
    commands: list[str] = field(default_factory=list)
    """Ids of commands about what is theirs."""
    tokens: list[str] = field(default_factory=list)
    """Consistency tokens, and cursors of subscriptions."""
    words: list[str] = field(default_factory=list)
    """Texts in their personal data."""

    @property
    def keys(self) -> list[str]:
        orders = [str(key_of("Order", each)) for each in self.orders]
        return [str(key_of("Customer", self.customer)), *orders]

    @property
    def ids(self) -> list[str]:
        """The global ids of all documents."""
        rows = [str(global_id("OrderSummary", key_of("Order", each))) for each in self.orders]
        return [self.customer, *self.orders, *rows]

    @property
    def marks(self) -> list[str]:
        """Texts that only an answer with something of theirs has."""
        return [*self.ids, *self.keys, *self.commands, *self.words]


@dataclass(kw_only=True)
class Books:
    """A shop with two customers, each with orders, and the clients of all roles."""

    url: str
    http: dict[str, httpx.AsyncClient]
    tokens: dict[str, str]
    of: dict[str, Belongings]
    products: list[str]
    staff: Client
    """What it sends back covers all that was done."""

    def strangers_of(self, role: str) -> list[str]:
        """The customers whose documents this role may not see."""
        return [] if role in (STAFF, OPERATOR) else [each for each in CUSTOMERS if each != role]

    def foreign_in(self, text: str, role: str, echoed: Iterable[str] = ()) -> list[str]:
        """The marks in an answer of what the role may not see; those that it has sent may be `echoed`."""
        strangers = [mark for each in self.strangers_of(role) for mark in self.of[each].marks]
        return [mark for mark in strangers if mark in text and mark not in echoed]


async def opened(
    url: str, http: dict[str, httpx.AsyncClient], *, stock: int = 1000, quantities: tuple[int, int] = (1, 1)
) -> Books:
    """Fill the shop at a URL; `http` has a client for each role, whose tokens are set.

    `quantities` are those of each line that Ada orders, and of each that Bob orders.
    """
    http[STAFF].headers["Authorization"] = f"Bearer {token_of('clerk', 'staff')}"
    http[OPERATOR].headers["Authorization"] = f"Bearer {token_of('admin', 'operator')}"
    staff = Client(url, http[STAFF])
    shop = Shop(staff)
    products = [await shop.product(stock=stock, price="3.00") for _ in range(2)]
    of = {}
    for number, name in enumerate(CUSTOMERS, 1):
        words = [
            f"{name.title()}mark",
            f"{name}.mark@example.com",
            f"+44 {name} {number * 1111}",
            f"{name} Lane",
        ]
        address = {"street": words[3], "city": f"{name}ville", "country": "UK"}
        customer = await shop.customer(
            name=words[0], company=f"{name} Works", email=words[1], phone=words[2], address=address
        )
        own = of[name] = Belongings(customer=customer, words=[*words, f"{name}ville", f"{name} Works"])
        actor = f"{name} in person"
        own.words.append(actor)
        key = str(key_of("Customer", customer))
        http[name].headers["Authorization"] = f"Bearer {token_of(actor, 'customer', key)}"
        client = Client(url, http[name])
        for _ in range(number + 1):
            lines = [{"productId": products[0], "quantity": quantities[number - 1]}]
            placed = await client.mutate("placeOrder", "", customerId=customer, lines=lines)
            assert placed["errors"] == []
            own.orders.append(placed["receipt"]["events"][0]["subject"])
            own.commands.append(placed["receipt"]["commandId"])
            own.tokens.append(placed["receipt"]["token"])
        staff.seen = max(staff.seen, client.seen)
        paid = await staff.mutate("payOrder", "order { id }", orderId=own.orders[0])
        own.commands.append(paid["receipt"]["commandId"])
        listed: Any = await staff.send(
            """query ($id: ID!) { orders(filter: { customerId: $id }) { edges { cursor } }
                customer(id: $id) { orders { edges { cursor } } } }""",
            {"id": customer},
        )
        edges = [*listed.data["orders"]["edges"], *listed.data["customer"]["orders"]["edges"]]
        own.cursors = [edge["cursor"] for edge in edges]
    tokens = {role: http[role].headers.get("Authorization", "") for role in ROLES}
    return Books(url=url, http=http, tokens=tokens, of=of, products=products, staff=staff)
