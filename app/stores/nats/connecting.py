"""One attempt to connect to NATS, its end, and the faults that the log has of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.errors import Error as NatsFault

from app.cqrs.impersonal import outline
from app.stores.nats.opening import Servers

CONNECT_LIMIT = 2
"""Seconds for one attempt to connect."""

PING_SECONDS, PINGS = 0.5, 2
"""Seconds between pings, and unanswered ones after which the connection counts as lost: a paused server."""

logger = logging.getLogger(__name__)


async def connect_once(
    client: Client,
    servers: Servers,
    name: str,
    faulty: Callable[[Exception], Awaitable[None]],
    closed: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Connect a client to one of the servers, or raise an error of the driver or an `OSError`, soon."""
    await client.connect(
        [*servers.urls],
        user=servers.user,
        password=servers.password,
        token=servers.token,
        name=name,
        error_cb=faulty,
        closed_cb=closed,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # the default of 60 holds for the first connection, too
        reconnect_time_wait=0,
        connect_timeout=CONNECT_LIMIT,
        ping_interval=PING_SECONDS,  # type: ignore[arg-type]
        max_outstanding_pings=PINGS,
    )


async def close(client: Client) -> None:
    """Close a client, whatever state it is in, soon."""
    # A client that was closed by the server, or never connected, may fail here in many ways.
    with suppress(Exception):
        async with asyncio.timeout(CONNECT_LIMIT):
            await client.close()


@dataclass
class Faults:
    """The faults of the connection, of which the log has one line each time it is lost."""

    noted: set[str] = field(default_factory=set)

    def note(self, error: Exception) -> None:
        """Log a fault, unless the same was logged since there was a connection."""
        text = f"{outline(error).partition(' (at')[0]}"
        if isinstance(error, NatsFault):
            text += f": {error}"
        if text not in self.noted:
            self.noted.add(text)
            logger.warning("NATS is away, or refuses something; retrying: error=%s", text)

    def over(self) -> None:
        """Have the next fault logged again, whatever it is."""
        self.noted.clear()
