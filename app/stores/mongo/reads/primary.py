"""Detection of the loss of MongoDB's primary, after which its documents may be older than before.

It listens to the driver's heartbeats: they fail before anything is read from a server that has come back. The
driver's events about servers may come a second late.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVarTuple

from bson import ObjectId
from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

Ts = TypeVarTuple("Ts")

Address = tuple[str, int | None]
"""Host and port, or the path of a unix socket and `None`."""


@dataclass(frozen=True)
class Primary:
    """The process that is a replica set's primary."""

    address: Address
    process: ObjectId
    """Its id, another one after each start."""

    @classmethod
    def of(cls, address: Address, hello: Mapping[str, Any]) -> Self | None:
        """Return the process that answers `hello`; `None` if it is no member of a replica set."""
        version = hello.get("topologyVersion") if hello.get("setName") else None
        return cls(address, version["processId"]) if version else None


class PrimaryWatch(ServerHeartbeatListener):
    """A listener to the driver's heartbeats, which calls `lost` in the event loop when a primary is lost.

    It calls `found` there when a process is seen to be the only primary.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lost: Callable[[], None],
        found: Callable[[Primary], None] = lambda _primary: None,
    ) -> None:
        self._loop = loop
        self._lost = lost
        self._found = found
        self._primaries: set[object] = set()
        self._last_found: Primary | None = None

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the reply decides."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Record whether the server takes writes; report a server that has stopped taking them."""
        if event.reply.is_writable:
            if self._primaries and event.connection_id not in self._primaries:
                self._report_loss()  # The primary has changed between two heartbeats of the last one.
            self._primaries.add(event.connection_id)
            self._report_only(Primary.of(event.connection_id, event.reply.document))
        else:
            self._remove(event.connection_id)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Report the loss if the server that does not answer was the primary."""
        self._remove(event.connection_id)

    def _remove(self, server: object) -> None:
        if server in self._primaries:
            self._primaries.discard(server)
            self._report_loss()

    def _report_only(self, primary: Primary | None) -> None:
        if primary and primary != self._last_found and len(self._primaries) == 1:
            self._last_found = primary
            self._in_loop(self._found, primary)

    def _report_loss(self) -> None:
        self._last_found = None
        self._in_loop(self._lost)

    def _in_loop(self, call: Callable[[*Ts], None], *arguments: *Ts) -> None:
        with suppress(RuntimeError):  # The loop may be closed already.
            self._loop.call_soon_threadsafe(call, *arguments)
