"""Reads over connections of their own to the primary that the driver knows, at a third of the driver's cost.

Everything else is the driver's: the choice of the primary, writes, sessions, TLS, authentication, errors, and
replies that go on. A read that can't be made here is made by the driver. No read shows an older state than
the driver's would: connections are used only if the driver's last heartbeat has seen the same process as the
only primary, and all are closed before the loss of a primary is reported.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import bson
from pymongo.uri_parser import parse_uri

from app.cqrs.documents.read_model import Document
from app.stores.mongo.codec import CODEC
from app.stores.mongo.reads.direct_connection import DirectConnection
from app.stores.mongo.reads.primary import Primary

MOST_CONNECTIONS = 16
"""Connections; a read that finds all of them busy waits for one."""

RETRY_SECONDS = 1.0
"""Seconds after a failed attempt to connect before the next one."""

CHECK_SECONDS = 1.0
"""Seconds between two searches for commands that take too long."""


class DirectReads:
    """The connections for reads, opened when there is something to read."""

    def __init__(self, url: str, database: str, longest_call: float, *, secondary: bool = False) -> None:
        """Read from a database; a reply may take `longest_call` seconds.

        With `secondary`, what is called the primary here is any node that shows documents.
        """
        self._secondary = secondary
        self._database = database
        self._longest_call = longest_call
        self._primary: Primary | None = None
        self._possible = _is_plain(url)
        self._open = set[DirectConnection]()
        self._idle: list[DirectConnection] = []
        self._waiting = deque[asyncio.Future[DirectConnection | None]]()
        self._opening: asyncio.Task[None] | None = None
        self._open_from = 0.0
        self._check: asyncio.TimerHandle | None = None

    def primary_found(self, primary: Primary) -> None:
        """Read from this process from now on."""
        if primary != self._primary:
            self.primary_lost()
            self._primary = primary

    def primary_lost(self) -> None:
        """Close all connections; the driver makes the reads, also those that are under way."""
        self._primary = None
        if self._opening:
            self._opening.cancel()
        closing, self._open, self._idle = self._open, set(), []
        for connection in closing:
            connection.close()
        self._give_way()

    def close(self) -> None:
        """Close all connections for good."""
        self._possible = False
        self.primary_lost()
        if self._check:
            self._check.cancel()

    async def cursor(self, command: Mapping[str, Any]) -> Document | None:
        """Return the decoded cursor of a command's reply; `None` if the driver must make the read.

        Raises `NetworkTimeout`.
        """
        asked = bson.encode({**command, "$db": self._database}, codec_options=CODEC)
        connection = self._idle.pop() if self._idle else await self._another()
        if connection is None:
            return None
        if self._check is None:
            self._check = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._time_out)
        try:
            reply: Document = bson.decode(await connection.ask(asked), CODEC)
        except OSError:
            return None
        return cast("Document", reply["cursor"]) if reply["ok"] == 1 else None

    async def _another(self) -> DirectConnection | None:
        """Return a connection that becomes free; `None` if the driver is faster."""
        if self._primary is None or not self._possible:
            return None
        if len(self._open) < MOST_CONNECTIONS:
            if self._opening is None and asyncio.get_running_loop().time() >= self._open_from:
                self._opening = asyncio.create_task(self._connect(self._primary))
            return None
        waiting: asyncio.Future[DirectConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and (connection := waiting.result()):
                self._free(connection)
            raise

    async def _connect(self, primary: Primary) -> None:
        """Open a connection, and keep it if the same process answers on it as the driver has seen."""
        try:
            async with asyncio.timeout(self._longest_call):
                connection = await DirectConnection.open(primary.address, self._free, self._closed)
                try:
                    hello = await connection.hello()
                    shows = hello.get("isWritablePrimary") or (self._secondary and hello.get("secondary"))
                    is_same = shows and Primary.of(primary.address, hello) == primary
                    if not is_same or primary != self._primary:
                        raise ConnectionError
                except BaseException:
                    connection.close()
                    raise
            self._open.add(connection)
            self._free(connection)
        except OSError:
            self._open_from = asyncio.get_running_loop().time() + RETRY_SECONDS
        finally:
            self._opening = None

    def _free(self, connection: DirectConnection) -> None:
        if connection not in self._open:
            return
        while self._waiting:
            if not (waiting := self._waiting.popleft()).done():
                waiting.set_result(connection)
                return
        self._idle.append(connection)

    def _closed(self, connection: DirectConnection) -> None:
        self._open.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)
        if not self._open:
            self._give_way()

    def _time_out(self) -> None:
        """End connections whose server takes too long; come again while any is busy."""
        loop, self._check = asyncio.get_running_loop(), None
        if busy := [connection for connection in self._open if connection.is_busy]:
            self._check = loop.call_later(CHECK_SECONDS, self._time_out)
        for connection in busy:
            if connection.asked_at + self._longest_call < loop.time():
                connection.time_out()

    def _give_way(self) -> None:
        while self._waiting:
            if not (waiting := self._waiting.popleft()).done():
                waiting.set_result(None)


def _is_plain(url: str) -> bool:
    """Return whether the servers at a URL are spoken to without TLS and without authentication."""
    if url.startswith("mongodb+srv:"):  # TLS by default; its options are in the DNS.
        return False
    parsed = parse_uri(url)
    return not parsed["username"] and not {"tls", "authmechanism"} & {
        each.lower() for each in parsed["options"]
    }
