"""Cascades of commands: what has changed, who is told, and when it can't be told any more."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.config import Settings
from app.cqrs.documents.read_model import Change
from app.cqrs.lists import effects
from app.cqrs.log.events import RecordedEvent
from app.cqrs.viewers import Viewer
from app.graphql.execution.context import Context
from app.read_models.order_list import order_list
from schema.circle.ids import global_id, key_of
from schema.root import schema
from tests.inprocess import Service, serving
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.viewers import BEA, customer

CASCADE = "cascade { changed { type nodeId } removed { type nodeId } fields { type name } }"
SALES, ACTIVITY = ("Query", "sales"), ("Query", "activity")


def fields_of(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["type"], each["name"]) for each in payload["cascade"]["fields"]]


def changed(payload: dict[str, Any]) -> set[str]:
    """The changed objects, without the new entries of the audit trail."""
    assert payload["cascade"]["removed"] == []
    return {each["nodeId"] for each in payload["cascade"]["changed"] if each["type"] != "Activity"}


def nodes_of(order: str) -> set[str]:
    """Both objects that show an order."""
    return {order, global_id("OrderSummary", key_of("Order", order))}


async def send(service: Service, viewer: Viewer, mutation: str, **input: Any) -> Any:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    text = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {CASCADE} }} }}"
    result = await schema.execute(text, {"input": input}, Context(service.circle, viewer))
    assert not result.errors, result.errors
    assert result.data
    return result.data[mutation]


async def test_a_cascade_names_each_changed_object_and_each_list_that_may_be_another(
    client: Client, shop: Shop
) -> None:
    ada, tea = await shop.customer(), await shop.product(stock=5)
    lines = [{"productId": tea, "quantity": 1}]
    placed = await client.mutate("placeOrder", f"{CASCADE} order {{ id }}", customerId=ada, lines=lines)
    order = placed["order"]["id"]
    assert changed(placed) == {ada, tea, *nodes_of(order)}
    assert fields_of(placed) == [
        ACTIVITY,
        ("Query", "customers"),
        ("Query", "orders"),
        ("Query", "products"),
        SALES,
        ("Customer", "orders"),
    ]
    paid = await client.mutate("payOrder", CASCADE, orderId=order)
    assert changed(paid) == nodes_of(order)
    assert fields_of(paid) == [ACTIVITY, ("Query", "orders"), ("Customer", "orders")]
    renamed = await client.mutate("updateCustomer", CASCADE, customerId=ada, name="Grace")
    assert changed(renamed) == {ada, *nodes_of(order)}
    added = await client.mutate(
        "addProduct",
        f"{CASCADE} product {{ id }}",
        sku=uuid4().hex.upper(),
        name="Kettle",
        category="Kitchen",
        unitPrice={"amount": "9.90"},
    )
    assert changed(added) == {added["product"]["id"]}
    assert fields_of(added) == [ACTIVITY, ("Query", "product"), ("Query", "products")]


async def test_a_lookup_by_a_unique_value_is_named_only_if_that_value_may_be_another(
    client: Client, shop: Shop
) -> None:
    tea, ada = await shop.product(), await shop.customer()
    assert ("Query", "product") in fields_of(
        await client.mutate("updateProduct", CASCADE, productId=tea, name="Tea")
    ), "it writes all that is described, the SKU included"
    price = {"amount": "3.00"}
    repriced = await client.mutate("changePrice", CASCADE, productId=tea, unitPrice=price)
    assert fields_of(repriced) == [ACTIVITY, ("Query", "products")]
    email = f"{uuid4().hex}@example.com"
    assert ("Query", "customer") in fields_of(
        await client.mutate("updateCustomer", CASCADE, customerId=ada, email=email)
    )


async def test_a_refused_command_and_one_that_changes_nothing_have_an_empty_cascade(
    client: Client, shop: Shop
) -> None:
    tea = await shop.product(price="3.00")
    nothing: dict[str, Any] = {"changed": [], "removed": [], "fields": []}
    refused = await client.mutate("receiveStock", CASCADE, productId=tea, quantity=0)
    assert refused["errors"]
    assert refused["cascade"] == nothing
    same = await client.mutate("changePrice", CASCADE, productId=tea, unitPrice={"amount": "3.00"})
    assert (same["errors"], same["receipt"]["events"], same["cascade"]) == ([], [], nothing)


async def test_a_customer_is_told_of_what_they_may_see_and_of_nothing_else(
    service: Service, shop: Shop
) -> None:
    ada, tea = await shop.customer(), await shop.product(stock=5)
    viewer = customer(key_of("Customer", ada))
    lines = [{"productId": tea, "quantity": 1}]
    placed = await send(service, viewer, "placeOrder", customerId=ada, lines=lines)
    assert {each["type"] for each in placed["cascade"]["changed"]} == {
        "Product",
        "Customer",
        "Order",
        "OrderSummary",
    }
    assert changed(placed) >= {ada, tea}
    assert fields_of(placed) == [
        ("Query", "customers"),
        ("Query", "orders"),
        ("Query", "products"),
        ("Customer", "orders"),
    ]
    by_staff = await send(service, BEA, "receiveStock", productId=tea, quantity=1)
    assert ACTIVITY in fields_of(by_staff)


async def test_a_command_that_is_sent_again_has_the_same_cascade(client: Client, shop: Shop) -> None:
    tea, id = await shop.product(), str(uuid4())
    first = await client.mutate("receiveStock", CASCADE, productId=tea, quantity=1, commandId=id)
    await client.mutate("receiveStock", CASCADE, productId=tea, quantity=1)
    assert await client.mutate("receiveStock", CASCADE, productId=tea, quantity=1, commandId=id) == first


async def test_a_cascade_that_is_no_longer_known_is_null(mongo_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    id = str(uuid4())
    async with serving(settings) as service:
        tea = await Shop(service.client).product()
        sent = await service.client.mutate("receiveStock", CASCADE, productId=tea, quantity=1, commandId=id)
        assert changed(sent) == {tea}
    async with serving(settings) as service:
        again = await service.client.mutate("receiveStock", CASCADE, productId=tea, quantity=1, commandId=id)
        assert (again["receipt"], again["cascade"]) == (sent["receipt"], None)
        more = await service.client.mutate("receiveStock", CASCADE, productId=tea, quantity=1)
        assert changed(more) == {tea}


async def test_a_cascade_of_very_many_objects_is_null(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, tea = await shop.customer(), await shop.product(stock=5)
    for _ in range(3):
        await shop.order(customer=ada, product=tea)
    monkeypatch.setattr(effects, "MOST_DOCUMENTS", 7)
    closed = await client.mutate("updateCustomer", CASCADE, customerId=ada, name="Grace")
    assert closed["cascade"] is None
    monkeypatch.setattr(effects, "MOST_DOCUMENTS", 8)
    closed = await client.mutate("updateCustomer", CASCADE, customerId=ada, name="Ada")
    assert len(closed["cascade"]["changed"]) == 8


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list of orders stops at the next event."""

    def fails(_recorded: RecordedEvent) -> list[Change]:
        raise OSError("no ink")

    with monkeypatch.context() as ill:
        ill.setattr(order_list, "changes", fails)
        yield


async def test_without_a_read_model_the_command_is_committed_and_the_cascade_an_error(
    impatient: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = impatient.client
    tea = await Shop(client).product()
    receiving = f"receiveStock(input: {{productId: $id, quantity: 1}}) {{ {CASCADE} receipt {{ token }} }}"
    with failing(monkeypatch):
        answer = await client.send(f"mutation ($id: ID!) {{ {receiving} }}", {"id": tea}, token=None)
        assert answer.codes == ["READ_MODEL_BEHIND"]
        assert answer.body["data"]["receiveStock"]["receipt"]["token"]
        assert answer.body["data"]["receiveStock"]["cascade"] is None


async def test_a_mutation_that_does_not_ask_for_it_waits_for_no_read_model(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def called(*_of: object, **_how: object) -> None:
        raise AssertionError("nobody has asked")

    monkeypatch.setattr(effects.EventEffects, "of", called)
    tea = await shop.product()
    receiving = "receiveStock(input: {productId: $id, quantity: 1}) { receipt { token } }"
    for _ in range(3):
        answer = await client.send(f"mutation ($id: ID!) {{ {receiving} }}", {"id": tea})
        assert answer.freshness == {}


async def test_a_list_of_commands_has_one_cascade_of_all_that_were_accepted(
    client: Client, shop: Shop
) -> None:
    ada, tea, milk = await shop.customer(), await shop.product(), await shop.product()
    commands = [
        {"receiveStock": {"productId": tea, "quantity": 1}},
        {"receiveStock": {"productId": milk, "quantity": 0}},
        {"updateCustomer": {"customerId": ada, "phone": "1"}},
    ]
    sending = f"sendCommands(input: {{commands: $commands}}) {{ {CASCADE} }}"
    text = f"mutation ($commands: [CommandInput!]!) {{ {sending} }}"
    sent = (await client.send(text, {"commands": commands})).data["sendCommands"]
    assert changed(sent) == {ada, tea}
    assert fields_of(sent) == [
        ACTIVITY,
        ("Query", "customer"),
        ("Query", "customers"),
        ("Query", "products"),
    ]
    none = (await client.send(text, {"commands": commands[1:2]})).data["sendCommands"]
    assert none["cascade"] == {"changed": [], "removed": [], "fields": []}


async def test_commands_of_the_same_moment_have_each_its_own_cascade(client: Client, shop: Shop) -> None:
    products = [await shop.product() for _ in range(20)]
    sent = await asyncio.gather(
        *(client.mutate("receiveStock", CASCADE, productId=each, quantity=1) for each in products)
    )
    assert [changed(each) for each in sent] == [{each} for each in products]
