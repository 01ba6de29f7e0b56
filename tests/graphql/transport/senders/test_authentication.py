"""Over every transport, an operation runs for the viewer to whom the token belongs."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets import ConnectionClosed, Subprotocol
from websockets.asyncio.client import connect

from tests.graphql.transport.identity import (
    FOLLOW,
    ME,
    bearer,
    over_socket,
    post,
    received,
    send,
    serving_identity,
)
from tests.inprocess import Service
from tests.known_tokens import STAFF, KnownTokens

EVENTS = {"Accept": "text/event-stream"}
BAD = "Bearer of-nobody"


@pytest.fixture
def tokens() -> KnownTokens:
    return KnownTokens({"of-clerk": STAFF})


@pytest.fixture
async def url(service: Service, tokens: KnownTokens) -> AsyncIterator[str]:
    async with serving_identity(service, tokens) as address:
        yield address


async def test_a_token_names_the_viewer_of_a_request(url: str) -> None:
    for _ in range(3):  # executed, compiled, and from memory
        assert (await post(url, **bearer("of-clerk"))).json()["data"] == {"me": "clerk staff"}


async def test_a_request_without_a_token_is_anonymous(url: str) -> None:
    assert (await post(url)).json()["data"] == {"me": "anonymous anonymous"}


@pytest.mark.parametrize("sent", [BAD, "", "Bearer", "Basic b2Y6bWU=", "of-clerk", "Bearer of-clerk, Bearer"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_bad_token_is_refused_and_never_anonymous(url: str, sent: str, accept: str) -> None:
    for query in (ME, FOLLOW):
        refused = await post(url, query, Authorization=sent, Accept=accept)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert [error["extensions"]["code"] for error in refused.json()["errors"]] == ["UNAUTHENTICATED"]


async def test_two_tokens_are_none(url: str) -> None:
    twice = [("Authorization", "Bearer of-clerk"), ("Authorization", "Bearer of-clerk")]
    async with httpx.AsyncClient(timeout=20) as http:
        refused = await http.post(f"http://{url}", json={"query": ME}, headers=twice)
    assert refused.status_code == 401
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{url}", subprotocols=protocols, additional_headers=twice) as socket:
        await send(socket, {"type": "connection_init"})
        with pytest.raises(ConnectionClosed) as closed:
            await received(socket)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4403


async def test_a_token_that_nobody_can_verify_now_is_answered_with_503(url: str, tokens: KnownTokens) -> None:
    tokens.is_down = True
    refused = await post(url, **bearer("of-clerk"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    with pytest.raises(ConnectionClosed) as closed:
        await over_socket(url, bearer("of-clerk"))
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1013


async def test_a_stream_of_events_is_the_viewers(url: str) -> None:
    answer = await post(url, FOLLOW, **EVENTS, **bearer("of-clerk"))
    assert '"me":"clerk staff"' in answer.text


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_a_socket_takes_the_token_in_connection_init(url: str, name: str) -> None:
    answer = await over_socket(url, {name: "Bearer of-clerk"})
    assert answer["payload"]["data"] == {"me": "clerk staff"}


async def test_a_socket_takes_the_token_in_the_handshake(url: str) -> None:
    assert (await over_socket(url, **bearer("of-clerk")))["payload"]["data"] == {"me": "clerk staff"}


async def test_the_token_in_connection_init_is_newer_than_that_in_the_handshake(url: str) -> None:
    answer = await over_socket(url, bearer("of-clerk"), Authorization=BAD)
    assert answer["payload"]["data"] == {"me": "clerk staff"}


async def test_a_socket_without_a_token_is_anonymous(url: str) -> None:
    assert (await over_socket(url))["payload"]["data"] == {"me": "anonymous anonymous"}


@pytest.mark.parametrize(
    "payload",
    [
        *({"Authorization": each} for each in (BAD, "", 7, ["Bearer of-clerk"])),
        {"Authorization": "Bearer of-clerk", "authorization": "Bearer of-clerk"},
    ],
)
async def test_a_bad_token_closes_the_socket_with_4403_and_the_reason(url: str, payload: Any) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        await over_socket(url, payload)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4403
    assert "token" in closed.value.rcvd.reason
