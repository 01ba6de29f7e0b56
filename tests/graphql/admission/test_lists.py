"""Every list that a client sends has a bound, wherever it stands."""

from typing import Any

import pytest

from schema.circle.ids import global_id
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.shop import Shop

LONG = ["x"] * 1001
PRODUCT = "query ($id: ID!, $t: [ConsistencyToken!]) { product(id: $id, atLeast: $t) { name } }"
NOTHING = global_id("Product", "0190a5ac-6fd4-7c07-8fb5-35ac4b2e9e4f")

TOO_LONG: dict[str, tuple[str, dict[str, Any]]] = {
    "ids": ("query ($v: [ID!]!) { nodes(ids: $v) { id } }", {"v": LONG}),
    "tokens": ("query ($v: [ConsistencyToken!]) { products(atLeast: $v) { totalCount } }", {"v": LONG}),
    "a filter": (
        "query ($v: ProductFilter) { products(filter: $v) { totalCount } }",
        {"v": {"categories": LONG}},
    ),
    "lines": (
        "mutation ($v: PlaceOrderInput!) { placeOrder(input: $v) { errors { code } } }",
        {"v": {"customerId": "x", "lines": [{"productId": "x", "quantity": 1}] * 1001}},
    ),
    "a list in a list": ("query ($v: [ID!]!) { nodes(ids: $v) { id } }", {"v": [LONG]}),
    "what nobody asked for": ("query ($w: ID) { node(id: $w) { id } }", {"v": {"a": [{"b": LONG}]}}),
    "a literal": (f"{{ nodes(ids: [{' 1' * 1001}]) {{ id }} }}", {}),
    "a literal in an object": (
        f"{{ products(filter: {{categories: [{' 1' * 1001}]}}) {{ totalCount }} }}".replace(" 1", ' ""'),
        {},
    ),
    "a default": (f"query ($v: [ID!]! = [{' 1' * 1001}]) {{ nodes(ids: $v) {{ id }} }}", {}),
}


@pytest.mark.parametrize("name", TOO_LONG)
async def test_a_list_that_is_too_long_is_refused_wherever_it_stands(client: Client, name: str) -> None:
    query, variables = TOO_LONG[name]
    for _ in range(3):
        answer = await client.send(query.replace("$w: ID)", "$w: ID = 1)"), variables)
        assert answer.codes == ["LIMIT_EXCEEDED"]
        [error] = answer.body["errors"]
        assert "1,001 items. At most 1,000 are allowed" in error["message"]
        assert "data" not in answer.body


async def test_a_field_takes_at_most_100_tokens(client: Client) -> None:
    for _ in range(3):
        answer = await client.send(PRODUCT, {"id": NOTHING, "t": ["x"] * 101})
        assert answer.codes == ["LIMIT_EXCEEDED"]
        assert "`atLeast` has a list of 101 items. At most 100" in answer.body["errors"][0]["message"]


async def test_a_header_and_connection_init_take_at_most_100_tokens(client: Client) -> None:
    tokens = ", ".join(["x"] * 101)
    for _ in range(3):
        answer = await client.send(PRODUCT, {"id": NOTHING}, token=tokens)
        assert answer.codes == ["LIMIT_EXCEEDED"]
        assert "Consistency-Token" in answer.body["errors"][0]["message"]
    for query in ("{ __typename }", "subscription { readModelUpdates { __typename } }"):
        async with client.subscribe(query, token=tokens) as subscription:
            message = await subscription.message()
            assert [each["extensions"]["code"] for each in message["payload"]] == ["LIMIT_EXCEEDED"]


async def test_a_token_in_many_fields_is_looked_up_once(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await shop.product()
    tokens = [service.circle.tokens.write(position) for position in range(1, 4)]
    read, looked_up = service.circle.tokens.read, list[str]()

    async def counting(text: str) -> Any:
        looked_up.append(text)
        return await read(text)

    monkeypatch.setattr(service.circle.tokens, "read", counting)
    fields = " ".join(f"a{i}: product(id: $id, atLeast: $t) {{ name }}" for i in range(50))
    answer = await service.client.send(
        f"query ($id: ID!, $t: [ConsistencyToken!]) {{ {fields} }}", {"id": NOTHING, "t": tokens}, token=None
    )
    assert answer.data["a49"] is None
    assert sorted(looked_up) == sorted(tokens)
