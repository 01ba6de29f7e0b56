"""Clients that leave unread what they are sent: memory is held for them, so not for ever."""

import asyncio

LEAST_READ = 65_536
"""Bytes that a client who is behind reads at least, within its patience."""


class SlowReader:
    """Watches that a client reads what waits for it in a transport, and gives it up otherwise."""

    def __init__(self, transport: asyncio.Transport, patience: float) -> None:
        self._transport = transport
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Begin, unless it is watched already; the end is when nothing waits any more."""
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
