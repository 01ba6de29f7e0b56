"""One websocket over which many operations run at once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect


class Operation:
    """An operation, and what it has sent so far."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.payloads: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def next(self) -> Any:
        """The value of its only field."""
        payload = await self.payloads.get()
        assert payload is not None, "the operation has ended"
        assert "errors" not in payload, payload["errors"]
        [value] = payload["data"].values()
        return value


class Socket:
    """A websocket of graphql-transport-ws."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self._running: dict[str, Operation] = {}

    async def begin(self, query: str, variables: dict[str, Any]) -> Operation:
        operation = Operation(str(next(self._ids)))
        self._running[operation.id] = operation
        payload = {"query": query, "variables": variables}
        await self._send({"type": "subscribe", "id": operation.id, "payload": payload})
        return operation

    async def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The value of the only field of a query or a mutation."""
        return await (await self.begin(query, variables)).next()

    async def leave(self, operation: Operation) -> None:
        """End a subscription; what it has sent meanwhile is dropped."""
        self._running.pop(operation.id, None)
        await self._send({"type": "complete", "id": operation.id})

    async def listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            operation = self._running.get(message.get("id", ""))
            if operation is None:
                continue
            if message["type"] == "next":
                operation.payloads.put_nowait(message["payload"])
            elif message["type"] == "error":
                operation.payloads.put_nowait({"errors": message["payload"]})
            else:
                operation.payloads.put_nowait(None)
                del self._running[operation.id]

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(message))


@asynccontextmanager
async def socket_to(url: str) -> AsyncIterator[Socket]:
    """A socket to the service at `url`, such as `http://127.0.0.1:8000`."""
    address = url.replace("http://", "ws://") + "/graphql"
    unlimited: dict[str, Any] = {"max_size": None, "max_queue": None}
    async with connect(address, subprotocols=["graphql-transport-ws"], **unlimited) as connection:  # type: ignore[list-item]
        await connection.send('{"type":"connection_init"}')
        await connection.recv()
        socket = Socket(connection)
        listening = asyncio.create_task(socket.listen())
        try:
            yield socket
        finally:
            listening.cancel()
