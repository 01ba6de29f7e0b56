"""A socket or a stream ends when its token does, and goes on with a new one."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import orjson
import pytest
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from app.access.sessions import EXPIRED, REVOKED
from tests.graphql.transport.identity import (
    WATCH,
    bearer,
    over_socket,
    received,
    send,
    serving_identity,
    socket_with,
)
from tests.inprocess import Service
from tests.known_tokens import OPERATOR, STAFF, KnownTokens

SOON = 0.3
"""Seconds that a short-lived token lives."""


@pytest.fixture
def tokens() -> KnownTokens:
    now = time.time()
    return KnownTokens(
        {
            "short": replace(STAFF, expires_at=now + SOON),
            "long": replace(STAFF, expires_at=now + 600),
            "other": replace(OPERATOR, expires_at=now + 600),
            "promoted": replace(STAFF, scope=OPERATOR.scope, expires_at=now + 600),
        }
    )


@pytest.fixture
async def url(service: Service, tokens: KnownTokens) -> AsyncIterator[str]:
    async with serving_identity(service, tokens) as address:
        yield address


async def closed(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(20):
        await socket.wait_closed()
    return socket.close_code or 0, socket.close_reason or ""


async def watching(socket: ClientConnection, id: str = "1") -> str:
    """Subscribes, and returns who the subscriber is."""
    await send(socket, {"id": id, "type": "subscribe", "payload": {"query": WATCH}})
    item = await received(socket)
    assert (item["type"], item["id"]) == ("next", id), item
    who: str = item["payload"]["data"]["watch"]
    return who


async def acknowledged(socket: ClientConnection) -> None:
    assert await received(socket) == {"type": "connection_ack"}


async def test_a_socket_is_closed_with_4403_when_its_token_expires(url: str, tokens: KnownTokens) -> None:
    async with socket_with(url, bearer("short")) as socket:
        await acknowledged(socket)
        assert await watching(socket) == "clerk staff"
        assert await closed(socket) == (4403, EXPIRED)
    assert time.time() >= (tokens.viewers["short"].expires_at or 0)
    assert len(tokens.sessions) == 0


async def test_an_idle_socket_is_closed_when_its_token_expires(url: str) -> None:
    async with socket_with(url, bearer("short")) as socket:
        assert await closed(socket) == (4403, EXPIRED)


async def test_each_subscriber_of_a_shared_execution_expires_alone(url: str) -> None:
    async with socket_with(url, bearer("short")) as short, socket_with(url, bearer("long")) as long:
        for socket in (short, long):
            await acknowledged(socket)
            assert await watching(socket) == "clerk staff"
        assert await closed(short) == (4403, EXPIRED)
        await send(long, {"type": "ping"})
        assert await received(long) == {"type": "pong"}


async def test_a_new_token_in_a_ping_keeps_the_socket_open(url: str, tokens: KnownTokens) -> None:
    async with socket_with(url, bearer("short")) as socket:
        await acknowledged(socket)
        assert await watching(socket) == "clerk staff"
        await send(socket, {"type": "ping", "payload": {**bearer("long"), "at": 1}})
        assert await received(socket) == {"type": "pong", "payload": {"at": 1}}, "the token is not sent back"
        async with socket_with(url, bearer("short")) as witness:
            assert await closed(witness) == (4403, EXPIRED)
        assert await watching(socket, "2") == "clerk staff"
    assert len(tokens.sessions) == 0


async def test_a_token_in_a_ping_before_connection_init_is_neither_obeyed_nor_sent_back(url: str) -> None:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{url}", subprotocols=protocols) as socket:
        await send(socket, {"type": "ping", "payload": {**bearer("long"), "at": 1}})
        assert await received(socket) == {"type": "pong", "payload": {"at": 1}}
        await send(socket, {"type": "connection_init"})
        await acknowledged(socket)
        assert await watching(socket) == "anonymous anonymous"


async def test_a_new_token_of_another_viewer_counts_once_no_operation_runs(url: str) -> None:
    async with socket_with(url, bearer("long")) as socket:
        await acknowledged(socket)
        await send(socket, {"type": "ping", "payload": bearer("other")})
        assert await received(socket) == {"type": "pong", "payload": {}}
        assert await watching(socket) == "admin operator"


@pytest.mark.parametrize("token", ["other", "promoted"])
async def test_running_operations_never_pass_to_another_viewer(url: str, token: str) -> None:
    async with socket_with(url, bearer("long")) as socket:
        await acknowledged(socket)
        await watching(socket)
        await send(socket, {"type": "ping", "payload": bearer(token)})
        code, reason = await closed(socket)
        assert (code, reason.split(",")[0]) == (4403, "The new token is another viewer's")


async def test_a_bad_token_in_a_ping_closes_the_socket(url: str) -> None:
    async with socket_with(url, bearer("long")) as socket:
        await acknowledged(socket)
        await send(socket, {"type": "ping", "payload": bearer("of-nobody")})
        assert (await closed(socket))[0] == 4403


async def test_a_socket_without_a_token_does_not_expire(url: str, tokens: KnownTokens) -> None:
    async with socket_with(url) as anonymous, socket_with(url, bearer("short")) as short:
        await acknowledged(anonymous)
        assert await closed(short) == (4403, EXPIRED)
        assert await watching(anonymous) == "anonymous anonymous"
        assert len(tokens.sessions) == 0


async def test_a_revocation_ends_all_sockets_and_streams_of_the_actor_and_no_others(
    url: str, tokens: KnownTokens
) -> None:
    async with (
        socket_with(url, bearer("long")) as first,
        socket_with(url, bearer("long")) as second,
        socket_with(url, bearer("other")) as other,
        httpx.AsyncClient(timeout=20) as http,
        http.stream("POST", f"http://{url}", json={"query": WATCH}, headers=events("long")) as stream,
    ):
        for socket in (first, second, other):
            await acknowledged(socket)
            await watching(socket)
        lines = stream.aiter_lines()
        assert await data_of(lines) == {"data": {"watch": "clerk staff"}}
        tokens.sessions.revoke("clerk")
        for socket in (first, second):
            assert await closed(socket) == (4403, REVOKED)
        assert codes(await data_of(lines)) == ["UNAUTHENTICATED"]
        await send(other, {"type": "ping"})
        assert await received(other) == {"type": "pong"}
        assert len(tokens.sessions) == 1


def events(token: str) -> dict[str, str]:
    return {"Accept": "text/event-stream", **bearer(token)}


async def data_of(lines: AsyncIterator[str]) -> dict[str, object]:
    """The data of the next event that has some."""
    async with asyncio.timeout(20):
        async for line in lines:
            if line.startswith("data: "):
                data: dict[str, object] = orjson.loads(line.removeprefix("data: "))
                return data
    raise AssertionError("the stream has ended")


def codes(answer: dict[str, object]) -> list[str]:
    errors = answer["errors"]
    assert isinstance(errors, list)
    return [error["extensions"]["code"] for error in errors]


async def test_a_stream_ends_with_an_error_when_its_token_expires(url: str, tokens: KnownTokens) -> None:
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.post(f"http://{url}", json={"query": WATCH}, headers=events("short"))
    said = [orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert said[0]["data"] == {"watch": "clerk staff"}
    assert codes(said[1]) == ["UNAUTHENTICATED"]
    assert said[1]["errors"][0]["message"] == EXPIRED
    assert answer.text.endswith("event: complete\ndata:\n\n")
    assert len(tokens.sessions) == 0


async def test_a_stream_that_its_client_ends_is_watched_no_more(url: str, tokens: KnownTokens) -> None:
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream("POST", f"http://{url}", json={"query": WATCH}, headers=events("long")) as stream,
    ):
        await data_of(stream.aiter_lines())
        assert len(tokens.sessions) == 1
    async with asyncio.timeout(20):
        while len(tokens.sessions):
            await over_socket(url)
