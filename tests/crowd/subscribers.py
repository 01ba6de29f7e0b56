"""Many websocket clients in one process, each as light as can be, so that the server is what is measured."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Subscriber(asyncio.Protocol):
    """One socket: sends its `greetings`, each after the last one's answer, and passes on what it reads."""

    transport: asyncio.Transport

    def __init__(
        self, url: str, greetings: Sequence[str], received: Callable[[bytes], None], extensions: str = ""
    ) -> None:
        self._url = urlsplit(url)
        self._extensions = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self._greetings = list(greetings)
        self._received = received
        self._buffer = bytearray()
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._url.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
            f"{self._extensions}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._is_open, self._buffer = True, rest
            self._greet()
        while frame := self._frame():
            opcode, payload = frame
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == TEXT and self._greetings:
                self._greet()
            elif opcode == TEXT:
                self._received(payload)

    def _greet(self) -> None:
        if self._greetings:
            self._send(TEXT, self._greetings.pop(0).encode())

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; servers send none in parts here, and no masks."""
        buffer, start = self._buffer, 2
        if len(buffer) < start:
            return None
        length = buffer[1]
        if length >= 126:
            start += 2 if length == 126 else 8
            length = int.from_bytes(buffer[2:start])
        if len(buffer) < start + length:
            return None
        frame = buffer[0] & 15, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([128 | length]) if length < 126 else bytes([128 | 126]) + length.to_bytes(2)
        self.transport.write(bytes([128 | opcode]) + size + bytes(4) + payload)  # masked with zeros


@dataclass
class Crowd:
    """Subscribers who all wait for the same."""

    url: str
    greetings: Sequence[str] = ()
    extensions: str = ""
    """What its sockets offer. A message that the server compresses is counted, and passed on as it is."""
    members: list[Subscriber] = field(default_factory=list)
    last: bytes = b""
    first_at: float = 0
    last_at: float = 0
    _missing: int = 0
    _complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def grow(self, count: int) -> None:
        """Lets so many more come, not all at the same moment; returns when each has had its first message."""
        for start in range(0, count, 100):
            await self.rush(min(100, count - start))

    async def rush(self, count: int) -> None:
        """Lets so many more come at the same moment."""
        self.expect(count)
        await asyncio.gather(*(self._one() for _ in range(count)))
        await self.arrival()

    def leave(self) -> None:
        """Everyone goes without a word."""
        for member in self.members:
            member.transport.abort()
        self.members.clear()

    def expect(self, count: int | None = None) -> None:
        """From now on each has to receive one message; or so many messages are to come in all."""
        self._missing, self.first_at = len(self.members) if count is None else count, 0
        self._complete.clear()

    async def arrival(self) -> None:
        """Returns when all that was expected has come."""
        async with asyncio.timeout(60):
            await self._complete.wait()

    async def _one(self) -> None:
        host, _, port = urlsplit(self.url).netloc.partition(":")
        member = Subscriber(self.url, self.greetings, self._received, self.extensions)
        await asyncio.get_running_loop().create_connection(lambda: member, host, int(port))
        self.members.append(member)

    def _received(self, message: bytes) -> None:
        self.last, self.last_at = message, perf_counter()
        self.first_at = self.first_at or self.last_at
        self._missing -= 1
        if self._missing == 0:
            self._complete.set()


def subscribing(query: str, **variables: object) -> list[str]:
    """What a client of graphql-transport-ws sends to subscribe."""
    payload = {"query": query, "variables": variables}
    return ['{"type":"connection_init"}', json.dumps({"type": "subscribe", "id": "1", "payload": payload})]
