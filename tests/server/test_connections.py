"""What a websocket keeps for its client, and that any client understands what it is sent."""

import asyncio
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from app.config import Settings
from app.server.connections.websockets import DEFLATE
from tests.inprocess import Service, serving
from tests.schema.shop import Shop

FOLLOW = "subscription ($id: ID!) { productUpdated(id: $id) { product { name onHand } } }"
AROUND_TWO_BYTES, AROUND_THREE_BYTES = range(85, 100), range(65_495, 65_510)
"""Lengths with which a frame begins to need more bytes to tell its own."""

MOST_FOR_COMPRESSION = 20_000
"""Bytes of a socket, at rest between two messages."""


def test_compression_keeps_little_for_each_socket() -> None:
    text = json.dumps([{"name": f"Product {number}"} for number in range(100)]).encode()
    tracemalloc.start()
    try:
        _, extension = DEFLATE.process_request_params([("client_max_window_bits", None)], [])
        sent = extension.encode(Frame(Opcode.TEXT, text))
        assert len(sent.data) < len(text) / 4
        assert extension.decode(sent).data == text
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept - len(sent.data) < MOST_FOR_COMPRESSION


async def test_a_client_reads_state_after_state_of_a_compressed_socket(
    mongo_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, mongodb_url=mongo_url, mongodb_database=tmp_path.name)
    async with serving(settings) as service:
        shop = Shop(service.client)
        product = await shop.product(stock=1)
        url = service.client.url.replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            assert socket.response is not None
            assert "client_no_context_takeover" in socket.response.headers["Sec-WebSocket-Extensions"]
            payload = {"query": FOLLOW, "variables": {"id": product}}
            for message in (
                {"type": "connection_init"},
                {"type": "subscribe", "id": "1", "payload": payload},
                {"type": "ping", "payload": payload},
            ):
                await socket.send(json.dumps(message))
            seen = [json.loads(await socket.recv()) for _ in range(3)]
            assert {each["type"] for each in seen} == {"connection_ack", "next", "pong"}
            for number in range(2, 12):
                await service.client.mutate("receiveStock", "", productId=product, quantity=1)
                async with asyncio.timeout(20):
                    item = json.loads(await socket.recv())
                assert item["payload"]["data"]["productUpdated"]["product"]["onHand"] == number


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_text_of_any_length_arrives_whole_with_compression_and_without(
    service: Service, compression: str | None
) -> None:
    url = service.client.url.replace("http", "ws", 1) + "/graphql"
    options: Any = {"subprotocols": ["graphql-transport-ws"], "compression": compression}
    async with connect(url, **options) as socket:
        await socket.send('{"type":"connection_init"}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        for length in (0, *AROUND_TWO_BYTES, *AROUND_THREE_BYTES, 200_000):
            pong = {"type": "pong", "payload": {"ø": "x" * length}}
            await socket.send(json.dumps(pong | {"type": "ping"}))
            assert json.loads(await socket.recv()) == pong
