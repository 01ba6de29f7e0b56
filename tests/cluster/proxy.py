"""A small TCP proxy: each connection goes to the next process that is ready, and stays there.

It copies bytes, so websockets, event streams and everything else that HTTP may become pass through it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

PATH = "/health/ready"
"""The path that an upstream is asked for."""

INTERVAL, PATIENCE = 0.5, 1.0
"""Seconds between two health checks, and seconds until an upstream counts as not ready, or as unreachable."""

LINGER = 5.0
"""Seconds for which a client may keep a connection open whose upstream has closed it."""

_CHUNK, _BACKLOG = 65_536, 4_096

_NOBODY = b"No process that serves GraphQL can be reached. Try again in a second."
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_NOBODY), _NOBODY)
)


@dataclass(eq=False)
class Upstream:
    """An address, and what is known of it."""

    name: str
    host: str
    port: int
    ready: bool = False
    """True if its last health check was answered with 200."""
    connections: int = 0
    """How many connections are open to it."""
    checked: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """The proxy in front of a cluster; `async with` has it listen until the block ends."""

    def __init__(self, upstreams: Sequence[Upstream], port: int, *, host: str = "127.0.0.1") -> None:
        self.upstreams = tuple(upstreams)
        self.host, self.port = host, port
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._checks: list[asyncio.Task[None]] = []
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen; raise `OSError` if the port is taken. Port 0 becomes a free one."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port, backlog=_BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        self._checks = [asyncio.create_task(self._check(upstream)) for upstream in self.upstreams]

    async def close(self) -> None:
        """Listen no more, and close all connections."""
        for check in self._checks:
            check.cancel()
        if self._server:
            self._server.close()
        await self.cut()
        await asyncio.gather(*self._checks, return_exceptions=True)

    async def cut(self) -> None:
        """Close all connections at once; clients who come back are sent to the next process."""
        tasks = [*self._open]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def until_ready(self) -> None:
        """Wait until every upstream has been found ready."""
        while not all(upstream.ready for upstream in self.upstreams):
            await asyncio.gather(*(upstream.checked.wait() for upstream in self.upstreams))
            await asyncio.sleep(0.02)

    async def _check(self, upstream: Upstream) -> None:
        """Ask an upstream for its health, again and again."""
        address = f"http://{upstream.host}:{upstream.port}{PATH}"
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            while True:
                try:
                    upstream.ready = (await http.get(address)).is_success
                except httpx.HTTPError:
                    upstream.ready = False
                upstream.checked.set()
                await asyncio.sleep(INTERVAL)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)

        def ended(_task: "asyncio.Task[None]") -> None:
            self._open.discard(task)
            if task.cancelled():  # maybe before its first step, so that nothing else closes the connection
                writer.transport.abort()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for upstream in self._in_turn():
            try:
                async with asyncio.timeout(PATIENCE):
                    there = await asyncio.open_connection(upstream.host, upstream.port)
            except OSError:  # a timeout is one, too
                upstream.ready = False
                continue
            upstream.connections += 1
            try:
                await _pass_on((reader, writer), there)
            finally:
                upstream.connections -= 1
                there[1].transport.abort()
            return
        writer.write(_UNAVAILABLE)
        with suppress(OSError):
            await writer.drain()
        writer.close()

    def _in_turn(self) -> list[Upstream]:
        """Return all upstreams in the order in which to try them: those that are ready, then the rest.

        One that is not ready is better than none: it says to the client what it lacks.
        """
        self._turn = (self._turn + 1) % len(self.upstreams)
        rotated = self.upstreams[self._turn :] + self.upstreams[: self._turn]
        return sorted(rotated, key=lambda upstream: not upstream.ready)


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _pass_on(client: _Stream, upstream: _Stream) -> None:
    """Copy both ways until both have ended; either may close its half first."""
    up = asyncio.create_task(_copy(client[0], upstream[1]))
    down = asyncio.create_task(_copy(upstream[0], client[1]))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        if not down.done() and not up.exception():
            await asyncio.wait({down})  # a client that has sent all may wait for long
        elif not up.done() and not down.exception():
            await asyncio.wait({up}, timeout=LINGER)
    finally:
        for task in (up, down):
            task.cancel()
        broken = await asyncio.gather(up, down, return_exceptions=True)
        if any(isinstance(each, BaseException) for each in broken):
            client[1].transport.abort()
        else:
            client[1].close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends its half, then end the target's; raise `OSError` if either breaks."""
    while data := await source.read(_CHUNK):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
