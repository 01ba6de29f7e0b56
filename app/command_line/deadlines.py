"""A moment by which something must have happened, for connections that move it with every request."""

import asyncio
from collections.abc import Callable


class Deadline:
    """A deadline with one timer, which stays as it is when the deadline is moved back.

    A timer for each request would take longer than to answer from memory. This one looks when it rings how
    long there is still to go.
    """

    __slots__ = ("_call", "_loop", "_rings_at", "_timer", "until")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self.until: float | None = None
        """The loop's time at which `call` is called; `None` where nothing is waited for."""
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    def set(self, seconds: float) -> None:
        """Set or move the deadline: it is over in so many seconds."""
        self.until = until = self._loop.time() + seconds
        if self._timer is None or self._rings_at > until:
            self._ring_at(until)

    def clear(self) -> None:
        """Wait for nothing, until the deadline is set again."""
        self.until = None

    def stop(self) -> None:
        """Wait for nothing any more, and release the timer."""
        self.until = None
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, when: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._rings_at, self._timer = when, self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self.until is None:
            return
        if self.until > self._loop.time():
            self._ring_at(self.until)
        else:
            self.until = None
            self._call()
