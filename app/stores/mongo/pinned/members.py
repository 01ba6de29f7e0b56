"""The members of a replica set that answer, as the driver's heartbeats have seen them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TypeVarTuple

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

from app.stores.mongo.reads.primary import Address, Primary

Ts = TypeVarTuple("Ts")


class Members(ServerHeartbeatListener):
    """The members whose documents may be read, by address; `changed` is called when one comes or goes.

    All that is known is known in the event loop: heartbeats come in other threads.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, changed: Callable[[Address], None], *, only_primary: bool
    ) -> None:
        """Leave out all but the primary with `only_primary`."""
        self._loop = loop
        self._changed = changed
        self._only_primary = only_primary
        self.able: dict[Address, Primary | None] = {}
        """The process of each; `None` if the member does not say which process it is."""
        self.seen_at: dict[Address, float] = {}
        """The time of each one's last heartbeat, or of the first without answer, by the monotonic clock."""

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: the reply decides."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Note the member if its documents may be read."""
        able = event.reply.is_writable if self._only_primary else event.reply.is_readable
        process = Primary.of(event.connection_id, event.reply.document)
        self._in_loop(self._note if able else self._remove, event.connection_id, process)

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Note that a member does not answer."""
        self._in_loop(self._remove, event.connection_id, None)

    def _note(self, address: Address, process: Primary | None) -> None:
        self.seen_at[address] = monotonic()
        if address not in self.able or self.able[address] != process:
            self.able[address] = process
            self._changed(address)

    def _remove(self, address: Address, _process: Primary | None) -> None:
        self.seen_at.setdefault(address, monotonic())
        if address in self.able:
            del self.able[address]
            self._changed(address)

    def _in_loop(self, call: Callable[[*Ts], None], *arguments: *Ts) -> None:
        with suppress(RuntimeError):  # The loop may be closed already.
            self._loop.call_soon_threadsafe(call, *arguments)
