"""Objects beside the ids that lead to them: one query shows what several would."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from app.cqrs.documents.read_model import Collection
from app.cqrs.freshness.tokens import Token
from app.cqrs.reading.reading import Reading
from app.stores.mongo.store import MongoReadStore
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

LINKS = """query ($order: ID!, $customer: ID!, $number: UUID!) {
    order(id: $order) {
        customer { customerId customer { id name } } lines { productId product { id name } } }
    customer(id: $customer) { lastOrder { orderId order { id status } } }
    orders(filter: { customerId: $customer }) {
        nodes { orderId order { id units } customerId customer { id orderCount } } }
    sales { bestSellers(first: 100) { productId product { id sku } } }
    activity(filter: { commandId: $number }) {
        nodes { subject subjectNode { id __typename ... on Product { name } ... on Order { status } } } }
    commandStatus(commandId: $number) {
        receipt { events {
            subject subjectNode { id ... on Product { reserved } ... on Order { units } } } } } }"""

PLACED = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id lines { product { reserved } }
        customer { customer { orderCount lastOrder { order { id } } } } }
    receipt { commandId token events { subjectNode { id ... on Product { reserved } } } } } }"""


def pairs_in(answer: Any) -> list[tuple[str, str]]:
    """Each id in an answer, with the id of the object beside it."""
    beside = {
        "customerId": "customer",
        "productId": "product",
        "orderId": "order",
        "subject": "subjectNode",
    }
    found = []
    for each in answer if isinstance(answer, list) else answer.values():
        found += pairs_in(each) if isinstance(each, dict | list) else []
    if isinstance(answer, dict):
        found += [(answer[id], answer[name]["id"]) for id, name in beside.items() if id in answer]
    return found


async def test_each_id_has_its_object_beside_it(client: Client, shop: Shop) -> None:
    customer = await shop.customer(name="Grace")
    lines = [{"productId": await shop.product(stock=2), "quantity": 2} for _ in range(3)]
    placed = await client.send(PLACED, {"input": {"customerId": customer, "lines": lines}})
    payload = placed.data["placeOrder"]
    asked = {
        "order": payload["order"]["id"],
        "customer": customer,
        "number": payload["receipt"]["commandId"],
    }
    for _ in range(3):  # at first by graphql-core, then compiled, then from memory
        answer = (await client.send(LINKS, asked)).data
        pairs = pairs_in(answer)
        assert all(id == beside for id, beside in pairs)
        assert len(pairs) >= 1 + 3 + 1 + 2 + 3 + 4 + 4
        assert answer["order"]["customer"]["customer"]["name"] == "Grace"
        assert {each["product"]["id"] for each in answer["order"]["lines"]} == {
            line["productId"] for line in lines
        }


async def test_the_objects_in_a_payload_reflect_the_command(client: Client, shop: Shop) -> None:
    customer, product = await shop.customer(), await shop.product(stock=30)
    input = {"customerId": customer, "lines": [{"productId": product, "quantity": 1}]}
    for number in range(1, 21):
        payload = (await client.send(PLACED, {"input": input}, token=None)).data["placeOrder"]
        order = payload["order"]
        assert order["customer"]["customer"]["orderCount"] == number
        assert order["customer"]["customer"]["lastOrder"]["order"]["id"] == order["id"]
        assert [line["product"]["reserved"] for line in order["lines"]] == [number]
        subjects = [each["subjectNode"] for each in payload["receipt"]["events"]]
        assert {"id": product, "reserved": number} in subjects


async def test_the_token_of_a_root_field_holds_for_the_objects_below_it(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, waited, ready = await shop.order(), defaultdict[str, set[int]](set), Reading.ready
    token = service.client.seen

    async def noted(self: Reading, read_model: str, at_least: Iterable[Token] = ()) -> None:
        waited[read_model] |= {each.position for each in at_least}
        await ready(self, read_model, at_least)

    monkeypatch.setattr(Reading, "ready", noted)
    text = """query ($id: ID!, $atLeast: [ConsistencyToken!]) { order(id: $id, atLeast: $atLeast) {
        lines { product { name } } customer { customer { orders { nodes { lines { product { sku } } } } } } }
        other: order(id: $id) { customer { customer { lastOrder { order { id } } } } } }"""
    for _ in range(3):  # at first by graphql-core, then compiled
        waited.clear()
        await service.client.send(text, {"id": order, "atLeast": [token]}, token=None)
        position = service.circle.tokens.decode(token).position
        models = ("order_details", "product_listing", "customer_overview")
        assert waited == {model: {position} for model in models}


async def test_the_objects_beside_a_list_are_read_together(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await shop.customer()
    for _ in range(8):
        await shop.order(customer=customer)
    reads, get = list[str](), MongoReadStore.get

    async def counted(self: Any, collection: Collection, ids: Sequence[str], **more: Any) -> Any:
        reads.append(collection.name)
        return await get(self, collection, ids, **more)

    monkeypatch.setattr(MongoReadStore, "get", counted)
    text = "query ($id: ID!) { orders(filter: {customerId: $id}) { nodes { order { lines { sku } } } } }"
    for _ in range(2):
        reads.clear()
        rows = (await service.client.send(text, {"id": customer})).data["orders"]["nodes"]
        assert len({row["order"]["lines"][0]["sku"] for row in rows}) == 8
        assert len(reads) <= 3
