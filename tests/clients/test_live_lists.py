"""Live lists as the npm package keeps them: right after every change, also of a killed service."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.clients.puppet import Puppet
from tests.clients.shop import Shop
from tests.schema.client import Client as Hand

pytestmark = pytest.mark.campaign

PATIENCE = 60

LISTED = """query ($filter: ProductFilter, $orderBy: ProductSort, $first: Int) {
    products(filter: $filter, orderBy: $orderBy, first: $first) {
        edges { node { id price { amount } } } pageInfo { hasNextPage } } }"""


@pytest.mark.parametrize("library", ["library/apollo", "library/urql", "library/relay"], indirect=True)
async def test_a_live_list_equals_a_fresh_query(client: Puppet, shop: Shop) -> None:
    category = f"Live {uuid4()}"
    variables = {"filter": {"categories": [category]}, "orderBy": {"field": "PRICE"}, "first": 3}
    async with (
        httpx.AsyncClient(timeout=90) as http,
        aclosing(client.keep("ProductsUpdated", **variables)) as kept,
    ):
        hand = Hand(shop.service.url, http)

        async def add(price: str) -> str:
            added = await hand.mutate(
                "addProduct",
                "product { id }",
                sku=uuid4().hex.upper(),
                name="Kettle",
                category=category,
                unitPrice={"amount": price},
            )
            product: str = added["product"]["id"]
            return product

        async def change_price(product: str, price: str) -> None:
            await hand.mutate("changePrice", "product { id }", productId=product, unitPrice={"amount": price})

        async def same() -> None:
            """Returns when the list is what a query shows."""
            fresh = (await hand.send(LISTED, variables)).data["products"]
            async with asyncio.timeout(PATIENCE):
                while _plain(await anext(kept)) != _plain(
                    {"edges": fresh["edges"], "hasNextPage": fresh["pageInfo"]["hasNextPage"]}
                ):
                    pass

        await same()
        products = []
        for price in ("5.00", "3.00", "4.00", "2.00"):
            products.append(await add(price))
            await same()
        await change_price(products[0], "1.00")
        await same()
        await change_price(products[0], "2.50")
        await same()
        await hand.mutate("updateProduct", "product { id }", productId=products[3], category="Elsewhere")
        await same()
        await change_price(products[1], "3.50")
        await shop.kill()
        await shop.start()
        await change_price(products[2], "0.50")
        await same()


def _plain(found: Any) -> Any:
    """Without what a library adds for itself."""
    nodes = [(edge["node"]["id"], edge["node"]["price"]["amount"]) for edge in found["edges"]]
    return nodes, found["hasNextPage"]
