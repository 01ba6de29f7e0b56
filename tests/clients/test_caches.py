"""Normalised caches are right after a mutation, from its payload alone: nothing is fetched again."""

import json
from typing import Any

import httpx
import pytest

from schema.circle.ids import global_id, key_of
from tests.clients.shop import Shop
from tests.node import NpmProject
from tests.schema.client import Client as Hand
from tests.schema.shop import Shop as Goods

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("library", ["apollo", "urql", "relay"])
async def test_a_mounted_list_shows_what_was_paid_and_placed_without_another_request(
    relay_artifacts: NpmProject, shop: Shop, library: str
) -> None:
    async with httpx.AsyncClient(timeout=90) as http:
        goods = Goods(Hand(shop.service.url, http))
        customer, product = await goods.customer(name="Grace"), await goods.product(stock=5)
        order = await goods.order(customer=customer, product=product)
        await goods.client.send("{ orders { nodes { id } } }")  # which waits until the list shows it
    place = {"customerId": customer, "lines": [{"productId": product, "quantity": 1}]}
    inputs = json.dumps({"pay": {"orderId": order}, "place": place})
    said = await relay_artifacts.run("javascript/caches/lists.js", library, shop.url, inputs)
    mounted, paid, placed = json.loads(said)

    row = global_id("OrderSummary", key_of("Order", order))

    def shown(step: dict[str, Any]) -> dict[str, str]:
        return {each["id"]: each["status"] for each in step["nodes"]}

    assert shown(mounted)[row] == "PLACED"
    assert shown(paid) == {**shown(mounted), row: "PAID"}
    [new, *others] = placed["nodes"]
    assert (new["status"], new["customerName"]) == ("PLACED", "Grace")
    assert others == paid["nodes"]
    assert [step["requests"] for step in (mounted, paid, placed)] == [1, 2, 3]
