"""Documents and names that do not say which operation to execute, over every transport."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.graphql.transport.test_multipart import APOLLO
from tests.graphql.transport.test_websockets import opened, receive, send, subscribe
from tests.schema.client import Client

GRAPHQL = "application/graphql-response+json"
TWO = "query A { __typename } query B { b: __typename }"

UNCLEAR: dict[str, tuple[str, str | None, str]] = {
    "several operations and no name": (
        TWO,
        None,
        "The document has 2 operations. Name the one to execute in operationName.",
    ),
    "several operations and an empty name": (
        TWO,
        "",
        "The document has 2 operations. Name the one to execute in operationName.",
    ),
    "an unknown name": (
        TWO,
        "C",
        "The document has no operation with the operationName C. Send one that it has: A, B.",
    ),
    "a name for an operation without one": (
        "{ __typename }",
        "C",
        "The document has no operation with the operationName C. Send none: its operation has no name.",
    ),
    "no operation": (
        "fragment f on Query { __typename }",
        None,
        "The document has no operation. Add a query, a mutation or a subscription.",
    ),
    "no operation, but a name": (
        "fragment f on Query { __typename }",
        "A",
        "The document has no operation. Add a query, a mutation or a subscription.",
    ),
    "an unknown name among subscriptions": (
        "subscription A { readModelUpdates { __typename } }",
        "B",
        "The document has no operation with the operationName B. Send one that it has: A.",
    ),
}


async def posted(client: Client, sent: dict[str, Any], accept: str) -> Any:
    return await client.http.post(f"{client.url}/graphql", json=sent, headers={"Accept": accept})


async def over_every_transport(client: Client, sent: dict[str, Any]) -> Sequence[tuple[int, Any]]:
    """Return the status, and the errors or else the data, of each answer."""
    answers = list[tuple[int, Any]]()
    for accept in ("application/json", GRAPHQL, APOLLO):
        response = await posted(client, sent, accept)
        answers.append((response.status_code, response.json()))
    parameters = {key: value for key, value in sent.items() if value is not None}
    for accept in ("application/json", GRAPHQL):
        headers = {"Accept": accept}
        response = await client.http.get(f"{client.url}/graphql", params=parameters, headers=headers)
        answers.append((response.status_code, response.json()))
    response = await posted(client, sent, "text/event-stream")
    [shown] = [line for line in response.text.splitlines() if line.startswith("data: {")]
    answers.append((response.status_code, json.loads(shown.removeprefix("data: "))))
    async with opened(client) as socket:
        await send(socket, subscribe(**sent))
        payload = (await receive(socket))["payload"]
        answers.append((200, {"errors": payload} if isinstance(payload, list) else payload))
    return [(status, answer.get("errors", answer.get("data"))) for status, answer in answers]


@pytest.mark.parametrize("case", UNCLEAR)
async def test_an_unclear_document_is_refused_alike_over_every_transport(client: Client, case: str) -> None:
    query, name, message = UNCLEAR[case]
    answers = await over_every_transport(client, {"query": query, "operationName": name})
    assert [status for status, _ in answers] == [200, 400, 400, 200, 400, 200, 200]
    for _, errors in answers:
        assert errors == [{"message": message, "extensions": {"code": "BAD_USER_INPUT"}}]


@pytest.mark.parametrize("query", ["{ __typename }", "query A { __typename }"])
async def test_an_empty_operation_name_is_none_over_every_transport_and_each_time(
    client: Client, query: str
) -> None:
    for _ in range(3):  # The second one is compiled, and the third one remembered.
        answers = await over_every_transport(client, {"query": query, "operationName": ""})
        assert answers == [(200, {"__typename": "Query"})] * 7


async def test_an_unclear_document_is_refused_as_long_as_it_comes(client: Client) -> None:
    for _ in range(3):
        for name, data in (("A", {"__typename": "Query"}), ("B", {"b": "Query"}), ("", None), ("C", None)):
            sent = {"query": TWO, "operationName": name}
            answer = (await posted(client, sent, "application/json")).json()
            assert answer.get("data") == data
            assert ("errors" in answer) is (data is None)


async def test_long_names_do_not_make_the_refusal_long(client: Client) -> None:
    many = " ".join(f"query {'n' * 150}{number} {{ __typename }}" for number in range(60))
    answer = await posted(client, {"query": many, "operationName": "x" * 500_000}, "application/json")
    assert len(answer.json()["errors"][0]["message"]) < 1500
