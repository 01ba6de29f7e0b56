"""Random commands to a shop, which a seed decides."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from tests.lists.socket import Socket

CATEGORIES = ("Tea", "Coffee", "Cups")
CUSTOMERS, PRODUCTS = 30, 25

STATUSES = {"payOrder": ("PLACED",), "shipOrder": ("PAID",), "cancelOrder": ("PLACED", "PAID")}
REACHED = {"payOrder": "PAID", "shipOrder": "SHIPPED", "cancelOrder": "CANCELLED"}

CHANCES = {
    "placeOrder": 40,
    "payOrder": 18,
    "shipOrder": 12,
    "cancelOrder": 8,
    "changePrice": 8,
    "receiveStock": 6,
    "updateProduct": 4,
    "adjustStock": 2,
    "addProduct": 1,
    "updateCustomer": 0.3,
    "discontinueProduct": 0.1,
}


@dataclass
class Commands:
    """A shop that is filled and changed at random, over one socket."""

    socket: Socket
    random: Random
    name: str
    customers: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    """The statuses of the orders, by id."""
    token: str = ""
    accepted: int = 0
    refused: int = 0
    events: int = 0

    async def fill(self) -> None:
        """Register customers and add products, as many as the lists are made for."""
        for number in range(CUSTOMERS):
            await self._send("registerCustomer", name=f"Customer {number}")
        for _ in range(PRODUCTS):
            await self._add_product()

    async def one(self) -> None:
        """Send one command."""
        [name] = self.random.choices([*CHANCES], [*CHANCES.values()])
        match name:
            case "placeOrder":
                await self._place()
            case "payOrder" | "shipOrder" | "cancelOrder":
                fitting = [id for id, status in self.orders.items() if status in STATUSES[name]]
                if not fitting:
                    return await self._place()
                order = self.random.choice(fitting[-200:])
                self.orders[order] = REACHED[name]
                await self._send(name, orderId=order)
            case "changePrice":
                await self._send(name, productId=self._product(), unitPrice=self._price())
            case "receiveStock":
                await self._send(name, productId=self._product(), quantity=self.random.randint(1, 50))
            case "adjustStock":
                change = self.random.choice([-3, -1, 2])
                await self._send(name, productId=self._product(), change=change, reason="Counted")
            case "updateProduct":
                change_of = self.random.choice([{"name": self._word()}, {"category": self._category()}])
                await self._send(name, productId=self._product(), **change_of)
            case "updateCustomer":
                customer = self.random.choice(self.customers)
                await self._send(name, customerId=customer, name=self._word())
            case "discontinueProduct":
                await self._send(name, productId=self._product())
            case _:
                await self._add_product()
        return None

    def _product(self) -> str:
        return self.random.choice(self.products)

    def _price(self) -> dict[str, str]:
        return {"amount": f"{self.random.randint(1, 40)}.{self.random.choice(['00', '50'])}"}

    def _word(self) -> str:
        return "".join(self.random.choices("abcdefg", k=3)).capitalize()

    def _category(self) -> str:
        return f"{self.random.choice(CATEGORIES)} {self.name}"

    async def _add_product(self) -> None:
        number = len(self.products)
        added = await self._send(
            "addProduct",
            sku=f"{self.name}-{number}-{self.random.randrange(10**6)}",
            name=self._word(),
            category=self._category(),
            unitPrice=self._price(),
        )
        await self._send("receiveStock", productId=added, quantity=100_000)

    async def _place(self) -> None:
        products = self.random.sample(self.products, self.random.randint(1, 4))
        lines = [{"productId": each, "quantity": self.random.randint(1, 5)} for each in products]
        order = await self._send("placeOrder", customerId=self.random.choice(self.customers), lines=lines)
        if order:
            self.orders[order] = "PLACED"

    async def _send(self, name: str, /, **input: Any) -> str:
        """Send a command; return the id of what its first event of that kind concerns."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        query = f"""mutation ($input: {kind}!) {{ {name}(input: $input) {{
            receipt {{ token events {{ type subject }} }} errors {{ code }} }} }}"""
        payload = await self._result(query, {"commandId": str(uuid4()), **input})
        if payload["errors"]:
            self.refused += 1
            return ""
        events = payload["receipt"]["events"]
        self.token = max(self.token, payload["receipt"]["token"] or "")
        self.accepted += 1
        self.events += len(events)
        subjects = {event["type"]: event["subject"] for event in events}
        if "CustomerRegistered" in subjects:
            self.customers.append(subjects["CustomerRegistered"])
        if "ProductAdded" in subjects:
            self.products.append(subjects["ProductAdded"])
        first: str = subjects.get("OrderPlaced") or next(iter(subjects.values()), "")
        return first

    async def _result(self, query: str, input: dict[str, Any]) -> Any:
        """Send a mutation until the service has room for it."""
        while True:
            payload = await (await self.socket.begin(query, {"input": input})).payloads.get()
            assert payload
            if "errors" not in payload:
                [result] = payload["data"].values()
                return result
            [error] = payload["errors"]
            assert error["extensions"]["code"] == "WRITE_STORE_BUSY", error
            await asyncio.sleep(error["extensions"]["retryAfter"])
