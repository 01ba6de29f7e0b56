"""Mutations whose command the viewer may not send: refused with data, like for any other reason."""

from typing import Any
from uuid import uuid4

import pytest

from app.cqrs.viewers import ANONYMOUS, Viewer
from app.graphql.execution.context import Context
from schema.circle.ids import global_id, key_of
from schema.root import schema
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.viewers import BEA, customer

REFUSED = "receipt { token events { type } } errors { __typename code message path }"


async def send(service: Service, viewer: Viewer, mutation: str, **input: Any) -> Any:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    text = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {REFUSED} }} }}"
    result = await schema.execute(text, {"input": input}, Context(service.circle, viewer))
    assert not result.errors, result.errors
    assert result.data
    return result.data[mutation]


async def test_a_command_that_the_viewer_may_not_send_is_refused_with_data(service: Service) -> None:
    refused = await send(service, ANONYMOUS, "registerCustomer", name="Eve")
    [error] = refused["errors"]
    assert error == {
        "__typename": "NotAllowed",
        "code": "NOT_ALLOWED",
        "message": "Only staff and operators may send RegisterCustomer. Sign in first.",
        "path": ["input"],
    }
    assert refused["receipt"] == {"token": None, "events": []}
    assert (await send(service, BEA, "registerCustomer", name="Eve"))["errors"] == []


async def test_a_value_that_only_staff_may_set_is_named_by_its_path(
    service: Service, client: Client, shop: Shop
) -> None:
    ada, tea = await shop.customer(), await shop.product(stock=5)
    lines = [{"productId": tea, "quantity": 1}, {"productId": tea, "quantity": 1, "discount": "0.1"}]
    viewer = customer(key_of("Customer", ada))
    fee = {"amount": "1.00"}
    refused = await send(service, viewer, "placeOrder", customerId=ada, lines=lines, shippingFee=fee)
    assert [(error["code"], error["path"]) for error in refused["errors"]] == [
        ("NOT_ALLOWED", ["input", "lines", "1", "discount"]),
        ("NOT_ALLOWED", ["input", "shippingFee"]),
    ]
    assert (await send(service, viewer, "placeOrder", customerId=ada, lines=lines[:1]))["errors"] == []


@pytest.mark.parametrize("expected", [None, 1, 99])
async def test_somebody_elses_order_is_refused_like_one_that_is_none(
    service: Service, client: Client, shop: Shop, expected: int | None
) -> None:
    ada, bob, tea = await shop.customer(), await shop.customer(), await shop.product(stock=5)
    lines = [{"productId": tea, "quantity": 1}]
    placed = await client.mutate("placeOrder", "", customerId=ada, lines=lines)
    order = placed["receipt"]["events"][0]["subject"]
    await client.mutate("cancelOrder", "", orderId=order)
    viewer = customer(key_of("Customer", bob))
    missing = [
        (await send(service, viewer, "cancelOrder", orderId=id, expectedVersion=expected))["errors"]
        for id in (order, global_id("Order", uuid4()))
    ]
    assert missing[0] == missing[1]
    assert missing[0][0]["code"] == "NOT_FOUND"
