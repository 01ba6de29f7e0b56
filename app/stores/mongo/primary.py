"""Watches whether MongoDB's primary is there: documents may have been put back while it was not.

The driver's heartbeats tell it. They fail before anything is read from a server that has come back, while its
events about servers come up to a second late.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)


class PrimaryWatch(ServerHeartbeatListener):
    """Calls `lost` in the event loop each time that the primary is gone; the driver's own threads tell it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._primaries: set[object] = set()

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the answer will tell."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Note that a server takes writes, or takes none any more."""
        if event.reply.is_writable:
            if self._primaries and event.connection_id not in self._primaries:
                self._tell()  # There is another one, and the one before has not been heard of since.
            self._primaries.add(event.connection_id)
        else:
            self._gone(event.connection_id)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Note that a server does not answer."""
        self._gone(event.connection_id)

    def _gone(self, server: object) -> None:
        if server in self._primaries:
            self._primaries.discard(server)
            self._tell()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # The loop is closed already.
            self._loop.call_soon_threadsafe(self._lost)
