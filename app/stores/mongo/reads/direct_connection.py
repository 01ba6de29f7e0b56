"""A connection to one mongod that sends read commands in OP_MSG, MongoDB's wire protocol, one at a time."""

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Self, cast

import bson
from pymongo.errors import NetworkTimeout

from app.cqrs.documents.read_model import Document
from app.stores.mongo.reads.primary import Address

_HEAD = Struct("<iiiiIB")
"""Length, request id, id of the request that is answered, opcode, flags, and the kind of the section."""

_LENGTH = Struct("<i")
_OP_MSG, _BODY = 2013, 0

_HELLO = bson.encode(
    {
        "hello": 1,
        "client": {
            "application": {"name": "Diptych's reads"},
            "driver": {"name": "Diptych", "version": "1"},
            "os": {"type": "unknown"},
        },
        "$db": "admin",
    }
)

Told = Callable[["DirectConnection"], None]


class DirectConnection(asyncio.Protocol):
    """A connection that has at most one command under way."""

    @classmethod
    async def open(
        cls,
        address: Address,
        free: Callable[["DirectConnection"], None],
        closed: Callable[["DirectConnection"], None],
    ) -> Self:
        """Connect to a server; raise `OSError`.

        Call `free` at each reply, also to a caller that no longer waits, and `closed` once at the end.
        """
        loop, (host, port) = asyncio.get_running_loop(), address
        if port is None:
            return (await loop.create_unix_connection(lambda: cls(free, closed), host))[1]
        return (await loop.create_connection(lambda: cls(free, closed), host, port))[1]

    def __init__(
        self, free: Callable[["DirectConnection"], None], closed: Callable[["DirectConnection"], None]
    ) -> None:
        self._free, self._closed = free, closed
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[bytes] | None = None
        self._received = bytearray()
        self._number = 0
        self.asked_at = 0.0
        """The time at which the command that is under way was sent, by the event loop's clock."""

    async def hello(self) -> Document:
        """Return what the server says of itself."""
        return bson.decode(await self.ask(_HELLO))

    async def ask(self, command: bytes) -> bytes:
        """Send a command and return the reply, both in BSON; raise `OSError` or `NetworkTimeout`."""
        if self._transport.is_closing():
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self._number = self._number + 1 & 0x7FFFFFFF
        self._answer, self.asked_at = loop.create_future(), loop.time()
        self._transport.write(
            _HEAD.pack(_HEAD.size + len(command), self._number, 0, _OP_MSG, 0, _BODY) + command
        )
        return await self._answer

    @property
    def is_busy(self) -> bool:
        """True if a reply is awaited."""
        return self._answer is not None

    def close(self, reason: Exception | None = None) -> None:
        """End the connection at once, and fail the command that is under way."""
        self._fail(reason or ConnectionResetError())
        self._transport.abort()

    def time_out(self) -> None:
        """End the connection because the server does not answer."""
        self.close(NetworkTimeout("the read store takes too long"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand a whole reply to its caller."""
        if self._received or len(data) < _HEAD.size or len(data) < _LENGTH.unpack_from(data)[0]:
            self._received += data
            if (
                len(self._received) < _HEAD.size
                or len(self._received) < _LENGTH.unpack_from(self._received)[0]
            ):
                return
            data = bytes(self._received)
            self._received.clear()
        length, _, answered, opcode, flags, kind = _HEAD.unpack_from(data)
        if (length, answered, opcode, flags, kind) != (len(data), self._number, _OP_MSG, 0, _BODY):
            self.close()  # Not the reply that was asked for; the driver understands it.
            return
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_result(data[_HEAD.size :])
        self._free(self)

    def connection_lost(self, reason: Exception | None) -> None:
        """Fail the command that is under way."""
        self._fail(reason or ConnectionResetError())
        self._closed(self)

    def _fail(self, reason: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(reason)
