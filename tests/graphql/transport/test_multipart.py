"""Apollo's multipart subscription protocol: what server-sent events have, in parts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx
import pytest

from app.graphql.transport.responses import streamed
from tests.graphql.transport.identity import WATCH, bearer, serving_identity
from tests.graphql.transport.test_sse import NOTICES, PRODUCT, receive_stock, stocked
from tests.inprocess import Service
from tests.known_tokens import STAFF, KnownTokens
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.service import running

APOLLO = (
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,"
    "application/graphql-response+json,application/json;q=0.9"
)
RELAY = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
HEAD, BOUNDARY = b"\r\nContent-Type: application/json\r\n\r\n", b"\r\n--graphql"


class Parts:
    """The parts of a response, each as soon as the boundary after it has come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._chunks = response.aiter_raw()
        self._received = b""
        self.ended = False

    async def part(self) -> Any:
        """Return the next part, parsed; `None` at the end."""
        body = await self._until_boundary()
        if body.startswith(b"--"):
            return None
        assert body.startswith(HEAD), body
        return json.loads(body.removeprefix(HEAD))

    async def next(self) -> Any:
        """Return the value of the subscription's only field in the next part."""
        part = await self.part()
        assert part.keys() == {"payload"}
        assert part["payload"]["extensions"]["consistencyToken"]
        [item] = part["payload"]["data"].values()
        return item

    async def begin(self) -> None:
        """Read what comes before the first part."""
        assert await self._until_boundary() == b""

    async def rest(self) -> list[Any]:
        """Return all parts up to the closing boundary."""
        parts = []
        while (part := await self.part()) is not None:
            parts.append(part)
        return parts

    async def _until_boundary(self) -> bytes:
        async with asyncio.timeout(20):
            while BOUNDARY not in self._received and not self._received.startswith(b"--\r\n"):
                self._received += await anext(self._chunks)
        body, _, self._received = self._received.partition(BOUNDARY)
        return body


@asynccontextmanager
async def parts_of(
    client: Client, query: str, variables: dict[str, Any] | None = None, **headers: str
) -> AsyncIterator[Parts]:
    body = {"query": query, "variables": variables}
    async with client.http.stream(
        "POST", f"{client.url}/graphql", json=body, headers={"Accept": APOLLO, **headers}
    ) as response:
        yield Parts(response)


@pytest.mark.parametrize("accept", [APOLLO, RELAY, 'multipart/mixed; subscriptionSpec="1.0"'])
async def test_a_subscription_has_the_document_now_and_then_each_new_state(
    client: Client, shop: Shop, accept: str
) -> None:
    product = await stocked(client, shop)
    async with parts_of(client, PRODUCT, {"id": product}, Accept=accept) as parts:
        assert parts.response.status_code == 200
        content_type = parts.response.headers["Content-Type"]
        assert content_type == 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
        assert parts.response.headers["Cache-Control"] == "no-store, no-transform"
        await parts.begin()
        for on_hand in (1, 3, 5):
            item = await parts.next()
            assert item["product"] == {"onHand": on_hand}
            await receive_stock(client, product, 2)
    async with parts_of(client, PRODUCT, {"id": product, "after": item["cursor"]}) as resumed:
        await resumed.begin()
        assert (await resumed.next())["product"] == {"onHand": 7}


async def test_queries_of_a_client_that_takes_parts_are_answered_in_json(client: Client) -> None:
    for accept in (APOLLO, RELAY):
        headers = {"Accept": accept}
        answer = await client.http.post(
            f"{client.url}/graphql", json={"query": "{ __typename }"}, headers=headers
        )
        assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("multipart/mixed;subscriptionSpec=1.0, text/event-stream;q=0.5", "multipart/mixed"),
        ("multipart/mixed;subscriptionSpec=1.0;q=0.5, text/event-stream", "text/event-stream"),
        ("multipart/mixed;subscriptionSpec=1.0, text/event-stream", "text/event-stream"),
        ("multipart/mixed, text/event-stream;q=0.1", "text/event-stream"),
        ("multipart/mixed;subscriptionSpec=2.0, application/json", "application/json"),
        ("multipart/mixed;deferSpec=20220824, application/json", "application/json"),
        ("multipart/mixed;subscriptionSpec=1.0;q=0, application/json", "application/json"),
    ],
)
async def test_the_framing_is_the_one_that_the_client_prefers(
    client: Client, accept: str, content_type: str
) -> None:
    async with parts_of(client, NOTICES, Accept=accept) as parts:
        assert parts.response.headers["Content-Type"].partition(";")[0] == content_type


async def test_what_can_not_be_executed_is_a_payload_with_errors_and_the_end(client: Client) -> None:
    for query, variables, code in (
        ("subscription { readModelUpdates(nothing: 1) { __typename } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (PRODUCT, {"id": "x"}, "BAD_ID"),
        ('subscription { readModelUpdates(after: "x") { __typename } }', {}, "BAD_TOKEN"),
    ):
        async with parts_of(client, query, variables) as parts:
            await parts.begin()
            [part] = await parts.rest()
            [error] = part["payload"]["errors"]
            assert error["extensions"]["code"] == code


async def test_an_empty_part_now_and_then_keeps_a_quiet_stream_alive(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "PING_INTERVAL", 0.05)
    async with parts_of(client, PRODUCT, {"id": await shop.product()}) as parts:
        await parts.begin()
        seen = [await parts.part() for _ in range(4)]
    assert seen.count({}) >= 3


async def test_a_token_that_is_no_longer_valid_ends_the_stream_with_the_reason(service: Service) -> None:
    tokens = KnownTokens({"good": STAFF})
    async with serving_identity(service, tokens) as url, httpx.AsyncClient(timeout=20) as http:
        headers = {"Accept": APOLLO, **bearer("good")}
        async with http.stream("POST", f"http://{url}", json={"query": WATCH}, headers=headers) as response:
            parts = Parts(response)
            await parts.begin()
            assert (await parts.part())["payload"]["data"] == {"watch": "clerk staff"}
            tokens.sessions.revoke(STAFF.actor)
            [last] = await parts.rest()
    assert last["payload"] is None
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.campaign
async def test_a_service_that_stops_asks_clients_to_subscribe_again(tmp_path: Path) -> None:
    async with (
        running(tmp_path, "--no-demo") as service,
        httpx.AsyncClient(timeout=20) as http,
        parts_of(Client(service.url, http), NOTICES) as parts,
    ):
        await parts.begin()
        assert (await parts.part())["payload"]["data"]["readModelUpdates"]["__typename"] == "Heartbeat"
        async with asyncio.timeout(15):
            await service.stop(SIGTERM)
        [last] = await parts.rest()
    assert last["payload"] is None
    [error] = last["errors"]
    assert error["extensions"]["code"] == "SERVICE_STOPPING"
    assert "after the last cursor" in error["message"]
