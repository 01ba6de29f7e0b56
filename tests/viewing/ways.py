"""The ways in which an operation reaches the service: HTTP, a websocket, and server-sent events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.viewing.operations import Asked
from tests.viewing.roles import Books


async def over_http(books: Books, role: str, asked: Asked, *, accept: str = "application/json") -> str:
    """The body of the response; with `text/event-stream` all of its events."""
    sent = {"query": asked.text, "variables": asked.variables}
    response = await books.http[role].post(f"{books.url}/graphql", json=sent, headers={"Accept": accept})
    assert response.status_code == 200, (asked, response.text)
    return response.text


class Socket:
    """A websocket of one role, over which operations are sent one after another."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0

    async def ask(self, asked: Asked) -> str:
        """The only result of a query or mutation, as it was sent."""
        id = await self.begin(asked)
        texts: list[str] = []
        while True:
            text = str(await self._socket.recv())
            message = json.loads(text)
            assert message.get("id") == id, text
            if message["type"] == "complete":
                return "\n".join(texts)
            texts.append(text)
            if message["type"] == "error":
                return "\n".join(texts)

    async def begin(self, asked: Asked) -> str:
        """Send an operation, and return its id."""
        self._sent += 1
        payload = {"query": asked.text, "variables": asked.variables}
        await self._socket.send(json.dumps({"type": "subscribe", "id": str(self._sent), "payload": payload}))
        return str(self._sent)

    async def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self._socket.recv())
        return message


@asynccontextmanager
async def socket_of(books: Books, role: str) -> AsyncIterator[Socket]:
    """An initialised websocket, with the role's token."""
    payload = {"Authorization": books.tokens[role]} if books.tokens[role] else {}
    url = books.url.replace("http://", "ws://") + "/graphql"
    # Without a limit to its queue, because a full one would have its end wait ten seconds for the other side.
    unlimited: dict[str, Any] = {"max_size": None, "max_queue": None}
    async with connect(url, subprotocols=["graphql-transport-ws"], open_timeout=60, **unlimited) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        yield Socket(socket)
