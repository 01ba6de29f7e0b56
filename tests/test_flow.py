"""The whole circle once: a mutation goes in, a query and a subscription show what came of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.config import Settings
from tests.inprocess import Service, serving
from tests.schema.client import Client

PLACE = """mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id status total { amount currencyCode } lines { title quantity total { amount } } }
    receipt { commandId token events { type subject position } }
    errors { __typename message path ... on OutOfStock { available } } } }"""


@pytest.fixture
async def service(mongo_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path,
        database_url=database_url,
        mongodb_url=mongo_url,
        mongodb_database=f"flow-{database_url.partition('+')[0]}",
    )
    async with serving(settings) as running:
        yield running


async def test_a_mutation_becomes_a_row_an_event_a_document_an_answer_and_a_message(service: Service) -> None:
    client = service.client
    price = {"amount": "49.90"}
    product = await _subject(
        client, "addProduct", sku="KETTLE", name="Kettle", category="Kitchen", unitPrice=price
    )
    customer = await _subject(client, "registerCustomer", name="Ada", email="ada@example.org")
    await _subject(client, "receiveStock", productId=product, quantity=5)

    watched = "subscription ($id: ID!) { productUpdated(id: $id) { cursor product { available unitsSold } } }"
    async with client.subscribe(watched, {"id": product}) as updates:
        while (state := (await updates.next())["product"]) != {"available": 5, "unitsSold": "0"}:
            assert state["available"] == 0, "a subscription without a token may begin with an earlier state"

        # The mutation: the payload's own order is read back from the documents, in the same round trip.
        order_lines = [{"productId": product, "quantity": 2, "discount": "0.1"}]
        wish = {"customerId": customer, "lines": order_lines, "shippingFee": {"amount": "4.90"}}
        answer = await client.send(PLACE, {"input": wish})
        payload = answer.data["placeOrder"]
        assert payload["errors"] == []
        assert payload["order"]["status"] == "PLACED"
        assert payload["order"]["total"] == {"amount": "94.72", "currencyCode": "USD"}
        assert payload["order"]["lines"] == [{"title": "Kettle", "quantity": 2, "total": {"amount": "89.82"}}]

        # The row and the events, in one transaction.
        head = await service.circle.log.head()
        last_events = await service.circle.log.read(after=head - 2, limit=2)
        assert [event.type for event in last_events] == ["OrderPlaced", "StockReserved"]
        assert [str(event.position) for event in last_events] == [
            event["position"] for event in payload["receipt"]["events"]
        ]

        # The subscription tells of it.
        while (state := (await updates.next())["product"]) != {"available": 3, "unitsSold": "2"}:
            assert state["available"] in {3, 5}, "each state is one that was"

    # Any query that carries the token sees it, in every read model.
    seen = await client.send(
        """query ($id: ID!) { order(id: $id) { status } orders { totalCount } products { nodes { reserved } }
           customers { nodes { orderCount lifetimeSpend { amount } } } sales { total { orders units } }
           activity(first: 1) { nodes { type subject actor } } }""",
        {"id": payload["order"]["id"]},
        token=answer.token,
    )
    assert seen.data == {
        "order": {"status": "PLACED"},
        "orders": {"totalCount": 1},
        "products": {"nodes": [{"reserved": 2}]},
        "customers": {"nodes": [{"orderCount": 1, "lifetimeSpend": {"amount": "94.72"}}]},
        "sales": {"total": {"orders": 1, "units": "2"}},
        "activity": {"nodes": [{"type": "StockReserved", "subject": product, "actor": "anonymous"}]},
    }

    # What can't be is refused as data, and changes nothing.
    too_much = {"customerId": customer, "lines": [{"productId": product, "quantity": 4}]}
    answer = await client.send(PLACE, {"input": too_much})
    refused = answer.data["placeOrder"]
    assert refused["order"] is None
    assert refused["receipt"]["token"] == answer.token, "with it, what it was refused for can be read"
    assert [(error["__typename"], error["available"]) for error in refused["errors"]] == [("OutOfStock", 3)]
    assert await service.circle.log.head() == head


async def _subject(client: Client, mutation: str, **input: object) -> str:
    """Sends a mutation that must be accepted, and returns the id of what it was about."""
    payload = await client.mutate(mutation, "", **input)
    assert payload["errors"] == []
    subject: str = payload["receipt"]["events"][0]["subject"]
    return subject
