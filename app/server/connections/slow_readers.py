"""Clients that read too slowly. Unread data takes memory, so such a client is disconnected."""

import asyncio

LEAST_READ = 65_536
"""Bytes that a client with unread data must read at least, within its patience."""


class SlowReader:
    """A watch on a transport, which drops the connection if the client does not read its data."""

    def __init__(self, transport: asyncio.Transport, patience: float) -> None:
        self._transport = transport
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Begin to watch, unless the watch runs already; it ends once the client has read everything."""
        if self._timer is None:
            left = self._transport.get_write_buffer_size()
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._check, left)

    def stop(self) -> None:
        """Stop watching."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _check(self, before: int) -> None:
        self._timer = None
        left = self._transport.get_write_buffer_size()
        if left and before - left < LEAST_READ:
            self._transport.abort()
        elif left:
            self.watch()
