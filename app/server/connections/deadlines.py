"""Deadlines for connections, which move them with every request."""

import asyncio
from collections.abc import Callable


class Deadline:
    """A deadline with one timer, which is not replaced when the deadline is moved back.

    A new timer for each request would take longer than an answer from memory does. When this timer rings too
    early, it is set again for the remaining time.
    """

    __slots__ = ("_call", "_loop", "_rings_at", "_timer", "until")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self.until: float | None = None
        """The loop's time at which `call` is called; `None` while no deadline is set."""
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    def set(self, seconds: float) -> None:
        """Set the deadline, or move it, to so many seconds from now."""
        self.until = until = self._loop.time() + seconds
        if self._timer is None or self._rings_at > until:
            self._ring_at(until)

    def clear(self) -> None:
        """Remove the deadline until it is set again."""
        self.until = None

    def stop(self) -> None:
        """Remove the deadline for good, and release the timer and the function to call.

        Usually that is a method of the connection, which has the deadline. A connection in such a reference
        cycle, with 25 objects, would not be freed when it is closed.
        """
        self.until = None
        self._call = _nothing
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


def _nothing() -> None:
    pass
