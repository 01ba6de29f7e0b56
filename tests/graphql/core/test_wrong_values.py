"""Messages about wrong values, which repeat them in the language that clients speak."""

from typing import Any

import pytest

from tests.graphql.transport.test_websockets import opened, receive, send, subscribe
from tests.schema.client import Client

PLACE = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { errors { code } } }"
PRODUCTS = """query ($filter: ProductFilter, $sort: ProductSort, $ids: [ID!]!, $first: Int) {
    products(filter: $filter, orderBy: $sort, first: $first) { totalCount } nodes(ids: $ids) { id } }"""
LINE = {"productId": "p", "quantity": 1}

WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        PLACE,
        {"input": {"a": True, "lines": None, "customerId": "c"}},
        [
            "Variable '$input' has invalid value at .lines: Expected value of non-null type "
            "'[OrderLineInput!]!' not to be null.",
            "Variable '$input' has invalid value: Expected value of type 'PlaceOrderInput' not to include "
            'unknown field \'a\', found: {"a": true, "lines": null, "customerId": "c"}.',
        ],
    ),
    (
        PLACE,
        {"input": {"customerId": "c", "lines": [LINE | {"quantity": "2"}, LINE | {"quantity": True}]}},
        [
            "Variable '$input' has invalid value at .lines[0].quantity: "
            'Int cannot represent non-integer value: "2"',
            "Variable '$input' has invalid value at .lines[1].quantity: "
            "Int cannot represent non-integer value: true",
        ],
    ),
    (
        PLACE,
        {"input": {"customerId": {"a": {"b": {"c": None}}}, "lines": {"productId": 'it\'s "p" é'}}},
        [
            "Variable '$input' has invalid value at .customerId: ID cannot represent value: "
            '{"a": {"b": {…}}}',
            "Variable '$input' has invalid value at .lines: Expected value of type 'OrderLineInput' to "
            'include required field \'quantity\', found: {"productId": "it\'s \\"p\\" é"}.',
        ],
    ),
    (
        PLACE,
        {},
        [
            "Variable '$input' has invalid value: "
            "Expected a value of non-null type 'PlaceOrderInput!' to be provided."
        ],
    ),
    (
        PLACE,
        {"input": None},
        [
            "Variable '$input' has invalid value: "
            "Expected value of non-null type 'PlaceOrderInput!' not to be null."
        ],
    ),
    (
        PRODUCTS,
        {"filter": {"inStock": "true"}, "sort": {"field": "PRIZE"}, "ids": [None, True], "first": [1, None]},
        [
            "Variable '$filter' has invalid value at .inStock: Boolean cannot represent a non boolean value: "
            '"true"',
            "Variable '$sort' has invalid value at .field: Value \"PRIZE\" does not exist in "
            "'ProductSortField' enum. Did you mean the enum value 'PRICE'?",
            "Variable '$ids' has invalid value at [0]: Expected value of non-null type 'ID!' not to be null.",
            "Variable '$ids' has invalid value at [1]: ID cannot represent value: true",
            "Variable '$first' has invalid value: Int cannot represent non-integer value: [1, null]",
        ],
    ),
    (
        PRODUCTS,
        {"ids": [[*map(str, range(12))]], "first": "x" * 500},
        [
            "Variable '$ids' has invalid value at [0]: ID cannot represent value: "
            '["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", …]',
            f"Variable '$first' has invalid value: Int cannot represent non-integer value: \"{'x' * 240}…\"",
        ],
    ),
]


@pytest.mark.parametrize(("query", "variables", "messages"), WRONG)
async def test_wrong_variables_are_repeated_as_json_each_time_and_over_each_transport(
    client: Client, query: str, variables: dict[str, Any], messages: list[str]
) -> None:
    for _ in range(3):  # The operation is compiled by then.
        answer = await client.send(query, variables)
        assert [error["message"] for error in answer.body["errors"]] == messages
        assert set(answer.codes) == {"BAD_USER_INPUT"}
    async with opened(client) as socket:
        await send(socket, subscribe(query, variables=variables))
        payload = (await receive(socket))["payload"]
    errors = payload if isinstance(payload, list) else payload["errors"]
    assert [error["message"] for error in errors] == messages


async def test_a_wrong_null_in_the_text_is_called_null(client: Client) -> None:
    answer = await client.send("{ nodes(ids: [null]) { id } }")
    assert [error["message"] for error in answer.body["errors"]] == [
        "Argument 'ids' has invalid value at [0]: Expected value of non-null type 'ID!' not to be null."
    ]


async def test_many_wrong_values_are_told_as_far_as_a_response_has_errors(client: Client) -> None:
    answer = await client.send(PRODUCTS, {"ids": [True, *[None] * 990]})
    messages = [error["message"] for error in answer.body["errors"]]
    assert messages[0].endswith("ID cannot represent value: true")
    assert len(messages) == 51
    assert not [message for message in messages if "None" in message]
