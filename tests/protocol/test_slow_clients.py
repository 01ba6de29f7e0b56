"""A client that reads nothing is sent away in time, with a code that makes clients come back."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.inprocess import Service
from tests.protocol.conftest import sockets
from tests.schema.shop import Shop

WAITS = timedelta(milliseconds=500)
LARGE = " ".join(f"a{number}: product {{ description }}" for number in range(400))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[ClientConnection]:
    """A socket with small buffers, which reads nothing that it is not asked for."""
    address = urlsplit(url)
    with socket.socket() as connected:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, (address.hostname, address.port))
        async with connect(
            url,
            sock=connected,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            max_queue=1,
            compression=None,
        ) as client:
            await client.send('{"type": "connection_init"}')
            await client.recv()
            yield client
            client.transport.abort()


@pytest.fixture
def shop(service: Service) -> Shop:
    return Shop(service.client)


async def test_who_reads_nothing_is_closed_and_can_go_on_after_the_last_cursor(
    service: Service, shop: Shop
) -> None:
    product = await shop.product(description="x" * 1000)
    follow = f"""subscription ($after: ConsistencyToken) {{
        productUpdated(id: "{product}", after: $after) {{ cursor lagged product {{ onHand }} {LARGE} }} }}"""
    async with sockets(service.circle, read_patience=WAITS) as url, opened(url) as client:
        listeners = service.circle.live._notices._listeners
        await subscribe(client, follow)
        async with asyncio.timeout(60):
            while not listeners:
                await shop.client.send("{ __typename }")
        for _ in range(8):
            await shop.client.mutate("receiveStock", "product { onHand }", productId=product, quantity=1)
        async with asyncio.timeout(60):
            while listeners:
                await shop.client.send("{ __typename }")
        *_, last = [shown(frame) async for frame in until_closed(client)]
        assert client.close_code == 1013
        assert "cursor" in str(client.close_reason)
        assert last["product"]["onHand"] < 8
        async with opened(url) as client:
            await subscribe(client, follow, after=last["cursor"])
            assert shown(await client.recv())["product"]["onHand"] == 8


@pytest.mark.campaign
async def test_who_reads_no_answers_is_read_no_further(service: Service) -> None:
    async with sockets(service.circle, read_patience=WAITS) as url, opened(url) as client:
        payload = {"padding": "x" * 100_000}
        with pytest.raises(ConnectionClosed):
            await _ping_for_ever(client, payload)


async def test_who_reads_slowly_is_sent_the_newest_state_and_how_many_were_not_sent(
    service: Service, shop: Shop
) -> None:
    product = await shop.product(description="x" * 1000)
    follow = (
        f"""subscription {{ productUpdated(id: "{product}") {{ lagged product {{ onHand }} {LARGE} }} }}"""
    )
    async with sockets(service.circle) as url, opened(url) as client:
        await subscribe(client, follow)
        items = [shown(await client.recv())]
        for number in range(1, 31):
            await shop.client.mutate("receiveStock", "product { onHand }", productId=product, quantity=1)
            if number % 5 == 0:
                items.append(shown(await client.recv()))
        while items[-1]["product"]["onHand"] < 30:
            items.append(shown(await client.recv()))
    assert len(items) < 15
    assert sum(1 + item["lagged"] for item in items) == 31, "each state, from 0 to 30, was sent or counted"


async def test_all_sockets_are_told_that_the_service_starts_again(service: Service) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as clients, sockets(service.circle) as url:
        ready = asyncio.Barrier(51)
        told = [clients.create_task(_until_closed(url, ready)) for _ in range(50)]
        await ready.wait()
    assert {task.result() for task in told} == {1012}


async def _until_closed(url: str, ready: asyncio.Barrier) -> int:
    async with opened(url) as client:
        await ready.wait()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    return closed.value.rcvd.code if closed.value.rcvd else 1006


async def until_closed(client: ClientConnection) -> AsyncIterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield await client.recv()


async def _ping_for_ever(client: ClientConnection, payload: object) -> None:
    async with asyncio.timeout(20):
        while True:
            await client.send(json.dumps({"type": "ping", "payload": payload}))


async def subscribe(client: ClientConnection, query: str, **variables: object) -> None:
    payload = {"query": query, "variables": variables}
    await client.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))


def shown(frame: str | bytes) -> Any:
    [field] = json.loads(frame)["payload"]["data"].values()
    return field
