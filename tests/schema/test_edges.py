"""Edges in payloads: a client puts them into the lists that it keeps, and goes on from their cursors."""

from typing import Any

import pytest

from tests.schema.client import Client
from tests.schema.shop import Shop

LISTS = {
    "productEdge": "products(%s) { edges { cursor node { id } } }",
    "customerEdge": "customers(%s) { edges { cursor node { id } } }",
    "orderSummaryEdge": "orders(%s) { edges { cursor node { id } } }",
    "orderEdge": 'customer(id: "%%s") { orders(%s) { edges { cursor node { id } } } }',
}
"""The fields of payloads, each with the list that its edge is of."""


async def edges_of(client: Client, shop: Shop) -> dict[str, dict[str, Any]]:
    """An edge of each kind, from the payload of a command that has made its node."""
    customer, product = await shop.customer(), await shop.product(stock=9)
    shown = "productEdge { cursor node { id onHand } }"
    received = await client.mutate("receiveStock", shown, productId=product, quantity=1)
    assert received["productEdge"]["node"]["onHand"] == 10
    shown = "customerEdge { cursor node { id } }"
    registered = await client.mutate("updateCustomer", shown, customerId=customer, name="Grace")
    shown = "order { id } orderEdge { cursor node { id } } orderSummaryEdge { cursor node { id } }"
    lines = [{"productId": product, "quantity": 1}]
    for _ in range(3):
        placed = await client.mutate("placeOrder", shown, customerId=customer, lines=lines)
    return {**received, **registered, **placed, "customer": {"id": customer}}


@pytest.mark.parametrize("name", LISTS)
async def test_an_edge_in_a_payload_has_the_cursor_that_it_has_in_the_list(
    client: Client, shop: Shop, name: str
) -> None:
    payloads = await edges_of(client, shop)
    edge = {"cursor": payloads[name]["cursor"], "node": {"id": payloads[name]["node"]["id"]}}

    async def listed(page: str) -> list[dict[str, Any]]:
        text = (LISTS[name] % page).replace("%s", payloads["customer"]["id"])
        [value] = (await client.send(f"{{ {text} }}")).data.values()
        edges: list[dict[str, Any]] = value.get("orders", value)["edges"]
        return edges

    before = await listed(f'last: 1, before: "{edge["cursor"]}"')
    after = "".join(f', after: "{each["cursor"]}"' for each in before)
    assert await listed(f"first: 1{after}") == [edge]


async def test_a_refused_command_has_no_edge(client: Client, shop: Shop) -> None:
    product = await shop.product(stock=1)
    shown = "product { id } productEdge { cursor }"
    refused = await client.mutate("adjustStock", shown, productId=product, change=-2, reason="gone")
    assert refused["errors"]
    assert (refused["product"], refused["productEdge"]) == (None, None)
