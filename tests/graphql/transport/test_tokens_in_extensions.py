"""A client that uses no HTTP headers reads its own writes: tokens come and go in `extensions`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.graphql.admission.lists import MOST_TOKENS
from tests.graphql.transport.test_websockets import opened, receive, send
from tests.inprocess import Service
from tests.schema.client import Client
from tests.schema.events import events_of
from tests.schema.shop import Shop

RECEIVE = """mutation ($input: ReceiveStockInput!) {
    receiveStock(input: $input) { receipt { commandId token } } }"""
PRODUCT = "query ($id: ID!) { product(id: $id) { onHand } }"
FOLLOW = "subscription ($id: ID!) { productUpdated(id: $id) { cursor product { onHand } } }"
NOTICES = "subscription { readModelUpdates { __typename ... on DocumentChanged { nodeId position } } }"
STATUS = """subscription ($id: UUID!) { commandStatus(commandId: $id) { state } }"""
KEY = "consistencyToken"


def payload(query: str, variables: dict[str, Any] | None = None, **extensions: object) -> dict[str, Any]:
    return {"query": query, "variables": variables, "extensions": extensions}


async def token_of_the_future(service: Service) -> str:
    """The token of a position that the log does not have; ends when products show all that it has."""
    head = await service.circle.log.head()
    await service.circle.progress["product_listing"].wait_for(head, seconds=20)
    return service.circle.tokens.write(head + 10)


class Socket:
    """A socket over which operations are sent one after another."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._last = 0

    async def begin(self, query: str, variables: dict[str, Any] | None = None, **extensions: object) -> str:
        self._last += 1
        sent = payload(query, variables, **extensions)
        await send(self.connection, {"type": "subscribe", "id": str(self._last), "payload": sent})
        return str(self._last)

    async def item(self) -> Any:
        message = await receive(self.connection)
        assert message["type"] == "next", message
        return message["payload"]

    async def result(self, query: str, variables: dict[str, Any] | None = None, **extensions: object) -> Any:
        await self.begin(query, variables, **extensions)
        result = await self.item()
        assert (await receive(self.connection))["type"] == "complete"
        return result


@asynccontextmanager
async def socket_of(client: Client, **init: object) -> AsyncIterator[Socket]:
    async with opened(client, {"type": "connection_init", "payload": init}) as connection:
        yield Socket(connection)


async def test_over_a_socket_each_read_with_the_last_token_sees_the_write_before_it(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()
    async with socket_of(client) as socket:
        for units in range(1, 21):
            received = await socket.result(RECEIVE, {"input": {"productId": product, "quantity": 1}})
            token = received["extensions"][KEY]
            assert token == received["data"]["receiveStock"]["receipt"]["token"]
            for _ in range(2):  # The second answer may come from memory.
                read = await socket.result(PRODUCT, {"id": product}, **{KEY: token})
                assert read["data"]["product"]["onHand"] == units
                assert read["extensions"][KEY] >= token


async def test_a_read_over_a_socket_waits_for_the_token_in_its_extensions(impatient: Service) -> None:
    product = await Shop(impatient.client).product()
    future = await token_of_the_future(impatient)
    async with socket_of(impatient.client) as socket:
        for _ in range(3):
            behind = await socket.result(PRODUCT, {"id": product}, **{KEY: future})
            assert behind["errors"][0]["extensions"]["code"] == "READ_MODEL_BEHIND"
            assert (await socket.result(PRODUCT, {"id": product}))["data"]["product"], (
                "it holds for one operation"
            )


@pytest.mark.parametrize("name", ["Consistency-Token", "consistency-token", "consistencyToken"])
async def test_a_socket_takes_its_token_under_any_spelling_of_the_key(impatient: Service, name: str) -> None:
    product = await Shop(impatient.client).product()
    future = await token_of_the_future(impatient)
    async with socket_of(impatient.client, **{name: future}) as socket:
        behind = await socket.result(PRODUCT, {"id": product})
        assert behind["errors"][0]["extensions"]["code"] == "READ_MODEL_BEHIND"


async def test_a_read_with_the_token_of_an_item_never_shows_less_than_the_item(
    service: Service, shop: Shop
) -> None:
    client = service.client
    product = await shop.product()
    async with socket_of(client) as followed, socket_of(client) as noticed, socket_of(client) as reading:
        await followed.begin(FOLLOW, {"id": product})
        await noticed.begin(NOTICES)
        beat = await noticed.item()
        assert beat["data"]["readModelUpdates"]["__typename"] == "Heartbeat"
        assert service.circle.tokens.decode(beat["extensions"][KEY]).position > 0
        for units in range(1, 11):
            item = await followed.item()
            if item["data"]["productUpdated"]["product"]["onHand"] < units - 1:
                item = await followed.item()
            on_hand = item["data"]["productUpdated"]["product"]["onHand"]
            read = await reading.result(PRODUCT, {"id": product}, **{KEY: item["extensions"][KEY]})
            assert read["data"]["product"]["onHand"] >= on_hand
            received = await client.mutate("receiveStock", "", productId=product, quantity=1)
            told = (product, received["receipt"]["events"][-1]["position"])
            notice = await noticed.item()
            while told != tuple(map(notice["data"]["readModelUpdates"].get, ("nodeId", "position"))):
                notice = await noticed.item()
            position = int(told[1])
            assert service.circle.tokens.decode(notice["extensions"][KEY]).position >= position
            read = await reading.result(PRODUCT, {"id": product}, **{KEY: notice["extensions"][KEY]})
            assert read["data"]["product"]["onHand"] >= units


async def test_the_status_of_a_command_brings_its_token(client: Client, shop: Shop) -> None:
    product = await shop.product()
    received = await client.mutate("receiveStock", "", productId=product, quantity=1)
    id, token = received["receipt"]["commandId"], received["receipt"]["token"]
    asked = await client.send(
        "query ($id: UUID!) { commandStatus(commandId: $id) { state } }", {"id": id}, token=None
    )
    assert asked.token == token
    async with socket_of(client) as socket:
        await socket.begin(STATUS, {"id": id})
        assert (await socket.item())["extensions"][KEY] == token


async def test_event_streams_have_the_token_in_their_items_and_take_it(impatient: Service) -> None:
    client = impatient.client
    product = await Shop(client).product(stock=2)
    future = await token_of_the_future(impatient)
    async with events_of(client, PRODUCT, {"id": product}, Consistency_Token=client.seen) as events:
        result = (await events.next()).result
        assert result["extensions"][KEY] == events.response.headers["Consistency-Token"] >= client.seen
    async with events_of(client, FOLLOW, {"id": product}) as events:
        first = (await events.next()).result
        assert impatient.circle.tokens.decode(first["extensions"][KEY]).position > 0
    sent = payload(FOLLOW, {"id": product}, **{KEY: future})
    accept = {"Accept": "text/event-stream"}
    answer = await client.http.post(f"{client.url}/graphql", json=sent, headers=accept)
    assert '"code":"READ_MODEL_BEHIND"' in answer.text


async def post(client: Client, sent: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.http.post(f"{client.url}/graphql", json=sent, headers=named)


async def test_over_http_the_token_is_in_the_extensions_if_the_request_has_the_key(
    client: Client, shop: Shop
) -> None:
    product, seen = {"id": await shop.product(stock=3)}, client.seen
    for _ in range(4):  # strawberry's answer, a compiled one, and answers from memory
        for sent in ({KEY: None}, {KEY: ""}, {KEY: seen}):
            answer = await post(client, payload(PRODUCT, product, **sent), Consistency_Token=seen)
            assert answer.json()["data"] == {"product": {"onHand": 3}}
            assert answer.json()["extensions"][KEY] == answer.headers["Consistency-Token"] >= seen
        for without in ({}, {"other": 1}):
            answer = await post(client, payload(PRODUCT, product, **without), Consistency_Token=seen)
            assert answer.json()["extensions"].keys() == {"cost", "freshness"}


async def test_over_http_reads_with_the_token_in_the_body_see_the_write_on_every_path(
    client: Client, shop: Shop
) -> None:
    product, token = {"id": await shop.product()}, client.seen
    for units in range(1, 16):
        written = {"input": {"productId": product["id"], "quantity": 1}}
        token = (await post(client, payload(RECEIVE, written, **{KEY: token}))).json()["extensions"][KEY]
        for _ in range(3):
            answer = (await post(client, payload(PRODUCT, product, **{KEY: token}))).json()
            assert answer["data"]["product"]["onHand"] == units


async def test_a_token_in_a_repeated_body_is_demanded_of_an_answer_from_memory(impatient: Service) -> None:
    client = impatient.client
    product = {"id": await Shop(client).product(stock=1)}
    future = await token_of_the_future(impatient)
    headers = {"Consistency_Token": client.seen}
    for _ in range(4):
        known = await post(client, payload(PRODUCT, product, **{KEY: client.seen}), **headers)
        assert known.json()["data"]["product"] == {"onHand": 1}
        behind = await post(client, payload(PRODUCT, product, **{KEY: future}), **headers)
        assert behind.json()["errors"][0]["extensions"]["code"] == "READ_MODEL_BEHIND"


async def test_header_and_extensions_together_are_bounded(client: Client, shop: Shop) -> None:
    product = {"id": await shop.product(stock=1)}
    half = ",".join([client.seen] * (MOST_TOKENS // 2))
    for _ in range(3):
        fits = await post(client, payload(PRODUCT, product, **{KEY: half}), Consistency_Token=half)
        assert fits.json()["data"]["product"] == {"onHand": 1}
        more = await post(
            client, payload(PRODUCT, product, **{KEY: f"{half},{client.seen}"}), Consistency_Token=half
        )
        assert more.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        many = await post(client, payload(PRODUCT, product, **{KEY: "," * 300_000}))
        assert many.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize("bad", ["garbage", "🙂", ",", " ", "A" * 5_000])
async def test_a_bad_token_in_the_extensions_is_said_to_be_one(client: Client, bad: str) -> None:
    sent = payload("{ products { totalCount } }", None, **{KEY: bad})
    for _ in range(3):
        assert (await post(client, sent)).json()["errors"][0]["extensions"]["code"] == "BAD_TOKEN"
    async with socket_of(client) as socket:
        await socket.begin(sent["query"], None, **{KEY: bad})
        refused = await receive(socket.connection)
        assert refused["payload"][0]["extensions"]["code"] == "BAD_TOKEN"


@pytest.mark.parametrize("wrong", [1, True, [], ["x"], {}])
async def test_a_token_that_is_no_text_is_refused(client: Client, wrong: object) -> None:
    answer = await post(client, payload("{ __typename }", None, **{KEY: wrong}))
    assert answer.status_code == 400
    assert "extensions.consistencyToken must be a string or null" in answer.text


async def test_subscribers_with_different_tokens_share_items_that_tell_no_others_token(
    client: Client, shop: Shop
) -> None:
    product = await shop.product()
    read = await client.send(PRODUCT, {"id": product})
    later = (await client.mutate("registerCustomer", "", name="Later"))["receipt"]["token"]
    async with socket_of(client) as one, socket_of(client) as other:
        await one.begin(FOLLOW, {"id": product}, **{KEY: later})
        await other.begin(FOLLOW, {"id": product}, **{KEY: read.token})
        items = await asyncio.gather(one.item(), other.item())
        await client.mutate("receiveStock", "", productId=product, quantity=1)
        ends = await asyncio.gather(one.item(), other.item())
    for before, after in zip(items, ends, strict=True):
        assert before["extensions"][KEY] < after["extensions"][KEY]
