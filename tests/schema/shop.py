"""A shop to test with: makes products, customers and orders through mutations."""

import itertools
from typing import Any

from tests.schema.client import Client

_numbers = itertools.count(1)


class Shop:
    """Every product and customer it makes is new."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def product(self, *, stock: int = 0, price: str = "10.00", **described: Any) -> str:
        """The id of a new product with so much in stock."""
        number = next(_numbers)
        described = {"sku": f"T-{number}", "name": f"Thing {number}", "category": "Things"} | described
        added = await self.client.mutate("addProduct", "", unitPrice={"amount": price}, **described)
        assert added["errors"] == []
        product: str = added["receipt"]["events"][0]["subject"]
        if stock:
            assert not (await self.client.mutate("receiveStock", "", productId=product, quantity=stock))[
                "errors"
            ]
        return product

    async def customer(self, **details: Any) -> str:
        """The id of a new customer."""
        registered = await self.client.mutate("registerCustomer", "", **({"name": "Ada"} | details))
        assert registered["errors"] == []
        customer: str = registered["receipt"]["events"][0]["subject"]
        return customer

    async def order(
        self, *, customer: str | None = None, product: str | None = None, quantity: int = 1
    ) -> str:
        """The id of a new order."""
        placed = await self.client.mutate(
            "placeOrder",
            "",
            customerId=customer or await self.customer(),
            lines=[{"productId": product or await self.product(stock=quantity), "quantity": quantity}],
        )
        assert placed["errors"] == []
        events = placed["receipt"]["events"]
        return next(str(event["subject"]) for event in events if event["type"] == "OrderPlaced")
