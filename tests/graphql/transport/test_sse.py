"""Server-sent events: what websockets have, over plain HTTP, to be resumed by `Last-Event-ID`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.graphql.transport.responses import sse, streamed
from tests.graphql.transport.test_http import URQL
from tests.inprocess import serving
from tests.schema.client import Client
from tests.schema.events import COMPLETE, Event, Events, event_source, events_of
from tests.schema.shop import Shop
from tests.service import running

PRODUCT = """subscription ($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) { cursor lagged product { onHand } } }"""
WITHOUT_CURSOR = "subscription ($id: ID!) { productUpdated(id: $id) { product { onHand } } }"
NOTICES = """subscription ($after: ConsistencyToken) {
    readModelUpdates(readModels: [CUSTOMER_OVERVIEW], after: $after) { __typename
        ... on DocumentChanged { position documentId } } }"""


async def receive_stock(client: Client, product: str, quantity: int = 1) -> None:
    """Ends when the read model has it."""
    received = await client.mutate("receiveStock", "product { onHand }", productId=product, quantity=quantity)
    assert received["product"]


async def stocked(client: Client, shop: Shop) -> str:
    """A product of which there is one, and the read model knows it."""
    product = await shop.product()
    await receive_stock(client, product)
    return product


async def test_a_stream_has_the_document_now_and_then_each_new_state(client: Client, shop: Shop) -> None:
    product = await stocked(client, shop)
    async with events_of(client, PRODUCT, {"id": product}) as events:
        assert events.response.status_code == 200
        assert events.response.headers["Content-Type"] == "text/event-stream"
        assert events.response.headers["Cache-Control"] == "no-store, no-transform"
        assert events.response.headers["X-Accel-Buffering"] == "no"
        assert await events.block() == Event("")
        for on_hand in (1, 3, 5):
            event = await events.next()
            assert event.item == {"cursor": event.id, "lagged": 0, "product": {"onHand": on_hand}}
            await receive_stock(client, product, 2)


async def test_a_stream_has_what_a_websocket_has(client: Client, shop: Shop) -> None:
    product = await stocked(client, shop)
    variables = {"id": product}
    async with (
        events_of(client, PRODUCT, variables) as events,
        event_source(client, PRODUCT, variables) as source,
        client.subscribe(PRODUCT, variables) as stream,
    ):
        for _ in range(3):
            sent = (await events.next()).result
            assert (await source.next()).result["data"] == sent["data"]
            payload = (await stream.message())["payload"]
            assert payload["data"] == sent["data"]
            assert payload["extensions"].keys() == sent["extensions"].keys()
            await receive_stock(client, product)


@pytest.mark.parametrize("way", [events_of, event_source])
async def test_a_stream_resumes_after_the_last_event_id(
    client: Client, shop: Shop, way: Callable[..., Any]
) -> None:
    product = await stocked(client, shop)
    for query in (PRODUCT, WITHOUT_CURSOR):
        async with way(client, query, {"id": product}) as events:
            seen = await events.next()
        before = seen.item["product"]["onHand"]
        async with way(client, query, {"id": product}, Last_Event_ID=seen.id) as events:
            await receive_stock(client, product)
            assert (await events.next()).item["product"]["onHand"] == before + 1


async def test_a_stream_resumes_after_its_argument(client: Client, shop: Shop) -> None:
    product = await stocked(client, shop)
    async with events_of(client, PRODUCT, {"id": product}) as events:
        cursor = (await events.next()).id
    await receive_stock(client, product)
    async with events_of(client, PRODUCT, {"id": product, "after": cursor}) as events:
        assert (await events.next()).item["product"]["onHand"] == 2


@pytest.mark.parametrize("header", [True, False], ids=["Last-Event-ID", "after"])
async def test_nothing_is_missed_and_nothing_comes_twice_however_often_the_connection_is_lost(
    client: Client, shop: Shop, header: bool
) -> None:
    """With the header, `after` stays what it first was, as it does in an EventSource's URL."""
    async with events_of(client, NOTICES) as whole:
        start = (await whole.next()).id
        writing = asyncio.create_task(_register(shop, 30))
        expected = await _changes(whole, 30)
        cursor, seen = start, list[Any]()
        while len(seen) < 30:
            after, last = (start, {"Last_Event_ID": cursor}) if header else (cursor, {})
            async with event_source(client, NOTICES, {"after": after}, **last) as part:
                for _ in range(4):
                    if len(seen) < 30:
                        event = await part.next()
                        cursor = event.id
                        seen += [event.item] if event.item["__typename"] == "DocumentChanged" else []
        await writing
    assert seen == expected


async def _register(shop: Shop, customers: int) -> None:
    for _ in range(customers):
        await shop.customer()


async def _changes(events: Events, count: int) -> list[Any]:
    changes: list[Any] = []
    while len(changes) < count:
        if (item := (await events.next()).item)["__typename"] == "DocumentChanged":
            changes.append(item)
    return changes


async def test_a_last_event_id_that_is_no_cursor_is_an_error_of_the_subscription(client: Client) -> None:
    async with events_of(client, NOTICES, Last_Event_ID="garbage") as events:
        failed, complete = await events.rest()
        assert failed.result["errors"][0]["extensions"]["code"] == "BAD_TOKEN"
        assert complete == COMPLETE
    async with events_of(client, NOTICES, Last_Event_ID="") as events:
        assert (await events.next()).item["__typename"] == "Heartbeat"


async def test_queries_and_mutations_have_one_result(client: Client, shop: Shop) -> None:
    product = await stocked(client, shop)
    mutation = "mutation ($in: ReceiveStockInput!) { receiveStock(input: $in) { receipt { token } } }"
    async with events_of(client, mutation, {"in": {"productId": product, "quantity": 1}}) as events:
        result, complete = await events.rest()
        assert complete == COMPLETE
        token = result.item["receipt"]["token"]
        assert events.response.headers["Consistency-Token"] == token
    query = "query ($id: ID!) { product(id: $id) { onHand } }"
    async with event_source(client, query, {"id": product}, Consistency_Token=token) as events:
        result, complete = await events.rest()
        assert (result.item, complete) == ({"onHand": 2}, COMPLETE)
        assert result.result["extensions"]["freshness"]


async def test_graphql_errors_come_in_the_stream(client: Client) -> None:
    fragment = "fragment f on Query { __typename }"
    for query in (
        "{",
        fragment,
        "{ nothing }",
        "subscription { nothing }",
        "subscription { productUpdated }",
    ):
        async with events_of(client, query) as events:
            assert events.response.status_code == 200
            failed, complete = await events.rest()
            assert complete == COMPLETE
            assert "data" not in failed.result
            assert failed.result["errors"][0]["extensions"]["code"]


async def test_what_is_no_graphql_request_is_refused_before_there_is_a_stream(client: Client) -> None:
    for body, content_type, status in (
        (b"{", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"query": "{ a }"}', "text/plain", 415),
    ):
        headers = {"Accept": "text/event-stream", "Content-Type": content_type}
        response = await client.http.post(f"{client.url}/graphql", content=body, headers=headers)
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json")
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    async with event_source(client, "mutation { __typename }") as events:
        assert events.response.status_code == 405


@pytest.mark.parametrize(
    ("accept", "query", "subscription"),
    [
        ("text/event-stream", True, True),
        ("text/event-stream, */*;q=0.1", True, True),
        ("text/event-stream;q=0.9, application/json;q=0.8", True, True),
        ("text/event-stream, multipart/mixed", True, True),
        (URQL, False, True),
        ("application/json, text/event-stream", False, True),
        ("application/json, text/event-stream;q=0.1", False, True),
        ("text/event-stream, */*", False, True),
        ("application/json, text/event-stream;q=0", False, False),
        ("*/*", False, False),
        ("application/json", False, False),
    ],
)
async def test_a_stream_is_only_for_those_who_want_one(
    client: Client, accept: str, query: bool, subscription: bool
) -> None:
    async with events_of(client, "{ __typename }", Accept=accept) as events:
        assert (events.response.headers["Content-Type"] == "text/event-stream") is query
    async with events_of(client, NOTICES, Accept=accept) as events:
        assert (events.response.headers["Content-Type"] == "text/event-stream") is subscription
        if not subscription:
            await events.response.aread()
            assert "text/event-stream" in events.response.json()["errors"][0]["message"]


async def test_a_page_of_elsewhere_may_not_subscribe_with_get(mongo_url: str, tmp_path: Path) -> None:
    ours = "http://localhost:5173"
    settings = Settings(
        data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name, allowed_origins=ours
    )
    async with serving(settings) as service:
        client = service.client
        foreign: list[dict[str, Any]] = [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        ]
        for headers in foreign:
            async with event_source(client, NOTICES, **headers) as events:
                await events.response.aread()
                assert events.response.status_code == 403
                assert events.response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        at_home: list[dict[str, Any]] = [
            {},
            {"Origin": client.url},
            {"Origin": ours},
            {"Sec_Fetch_Site": "same-origin"},
        ]
        for headers in at_home:
            async with event_source(client, NOTICES, **headers) as events:
                assert (await events.next()).item["__typename"] == "Heartbeat"
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "last-event-id"}
        leave = await client.http.options(f"{client.url}/graphql", headers={"Origin": ours, **asked})
        assert leave.status_code == 200
        async with events_of(client, NOTICES, Origin=ours) as events:
            assert events.response.headers["Access-Control-Allow-Origin"] == ours


async def test_a_comment_now_and_then_keeps_a_quiet_stream_alive(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "PING_INTERVAL", 0.05)
    async with events_of(client, PRODUCT, {"id": await shop.product()}) as events:
        await events.next()
        assert [await events.block() for _ in range(3)] == [Event("")] * 3


@pytest.mark.campaign
async def test_streams_end_at_once_when_the_service_does_and_clients_may_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-demo") as service, httpx.AsyncClient(timeout=20) as http:
        client = Client(service.url, http)
        async with events_of(client, NOTICES) as events, event_source(client, NOTICES) as source:
            assert (await events.next()).name == "next"
            assert (await source.next()).name == "next"
            async with asyncio.timeout(15):
                said = await service.stop(SIGTERM)
            for stream in (events, source):
                last = (await stream.rest())[-1]
                assert last.name == "retry"
                assert int(last.data) in sse.RETRY
    assert (said.strip(), service.process.returncode) == ("Stopped.", 0)
