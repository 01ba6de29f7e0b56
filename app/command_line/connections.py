"""Websockets as uvicorn serves them, but for how they end."""

import random

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

GRACE = 2
"""Seconds that open connections have to end once the service is told to stop; mongod takes one more."""

CLOSED_A_SECOND = 1000
"""How many websockets are closed in a second when the service stops, so that not all come back at once."""

UNREAD = 10
"""Seconds that a client has to read that its socket is closed."""


class Connection(WebSocketsSansIOProtocol):
    """Always ends with what clients take as a reason to connect again."""

    async def send(self, message: ASGISendEvent) -> None:
        """Sends an ASGI message; a close frame is not held back by what the client has not read."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self.loop.call_later(UNREAD, self.transport.abort)
        await super().send(message)

    def shutdown(self) -> None:
        """Closes with 1012, within a time that is as long as there are many connections."""
        longest = min(GRACE / 2, len(self.connections) / CLOSED_A_SECOND)
        self.loop.call_later(random.uniform(0, longest), super().shutdown)  # noqa: S311 - no secret

    def keepalive_timeout(self) -> None:
        """Drops a client that answers no ping: it can't read a close frame, and 1011 is final to some."""
        self.transport.abort()
