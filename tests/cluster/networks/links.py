"""Links from processes to servers that can be cut: nothing passes any more, and neither side is told.

A cut network does the same, on a machine that lets nobody cut it.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_CHUNK = 65_536

Place = tuple[str, int] | Path
"""A host and its port, or the path of a unix socket."""


@dataclass(eq=False)
class _Connection:
    port: int
    """The port that it comes from, by which its process is found; 0 for a unix socket."""
    passes: asyncio.Event = field(default_factory=asyncio.Event)


class Link:
    """A way to one server, for all who use its address instead of the server's own."""

    def __init__(self, address: Place, server: Place) -> None:
        """Pass on to `server` what comes to `address`."""
        self.address = address
        self._server = server
        self._listening: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], _Connection] = {}
        self._all_cut = False
        self._cut: frozenset[int] = frozenset()

    async def start(self) -> None:
        """Listen, unless it does already."""
        if self._listening:
            return
        if isinstance(self.address, Path):
            self._listening = await asyncio.start_unix_server(self._accept, self.address)
            self.address.chmod(0o777)
        else:
            self._listening = await asyncio.start_server(self._accept, *self.address, backlog=1_024)

    async def close(self) -> None:
        """End all connections, and listen no more."""
        if self._listening:
            self._listening.close()
        for task in [*self._open]:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def cut(self, pids: Collection[int] | None = None) -> None:
        """Let nothing pass to and from some processes, or anybody."""
        if pids is None:
            self._all_cut = True
        else:
            self._cut |= {*pids}
        self._apply()

    def heal(self) -> None:
        """Let everything pass, also what was sent meanwhile."""
        self._all_cut, self._cut = False, frozenset()
        self._apply()

    def _apply(self) -> None:
        cut = _ports_of(self._cut) if self._cut else ()
        for connection in self._open.values():
            if self._all_cut or connection.port in cut:
                connection.passes.clear()
            else:
                connection.passes.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        connection = _Connection(peer[1] if isinstance(peer, tuple) else 0)
        task = asyncio.create_task(self._serve(connection, reader, writer))
        self._open[task] = connection
        self._apply()
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._open[task]
        if not task.cancelled():
            task.exception()

    async def _serve(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            await connection.passes.wait()
            if isinstance(self._server, Path):
                back, there = await asyncio.open_unix_connection(self._server)
            else:
                back, there = await asyncio.open_connection(*self._server)
            ways = [
                asyncio.create_task(_pass_on(connection, *way)) for way in ((reader, there), (back, writer))
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                await connection.passes.wait()  # whoever hung up meanwhile is not heard of, either
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            for each in (writer, there):
                if each:
                    each.transport.abort()


async def _pass_on(
    connection: _Connection, source: asyncio.StreamReader, target: asyncio.StreamWriter
) -> None:
    while data := await source.read(_CHUNK):
        await connection.passes.wait()
        target.write(data)
        await target.drain()


def _ports_of(pids: Iterable[int]) -> frozenset[int]:
    """Return the local ports of all TCP connections of some processes."""
    opened: set[str] = set()
    for pid in pids:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    opened.add(str(file.readlink()))
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    columns = [line.split() for line in lines]
    return frozenset(
        int(each[1].rpartition(":")[2], 16) for each in columns if f"socket:[{each[9]}]" in opened
    )
