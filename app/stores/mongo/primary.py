"""Detection of the loss of MongoDB's primary, after which its documents may be older than before.

It listens to the driver's heartbeats: they fail before anything is read from a server that has come back. The
driver's events about servers may come a second late.
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
    """A listener to the driver's heartbeats that calls `lost` in the event loop when a primary is lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._primaries: set[object] = set()

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the reply decides."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Record whether the server takes writes; report a server that has stopped taking them."""
        if event.reply.is_writable:
            if self._primaries and event.connection_id not in self._primaries:
                self._report_loss()  # The primary has changed between two heartbeats of the last one.
            self._primaries.add(event.connection_id)
        else:
            self._remove(event.connection_id)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Report the loss if the server that does not answer was the primary."""
        self._remove(event.connection_id)

    def _remove(self, server: object) -> None:
        if server in self._primaries:
            self._primaries.discard(server)
            self._report_loss()

    def _report_loss(self) -> None:
        with suppress(RuntimeError):  # The loop may be closed already.
            self._loop.call_soon_threadsafe(self._lost)
