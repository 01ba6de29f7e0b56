"""Websockets as uvicorn serves them, but for how they end and what they keep."""

import random
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

GRACE = 2
"""Seconds that open connections have to end once the service is told to stop; mongod takes one more."""

CLOSED_A_SECOND = 1000
"""How many websockets are closed in a second when the service stops, so that not all come back at once."""

UNREAD = 10
"""Seconds that a client has to read that its socket is closed."""

DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=10,
    client_max_window_bits=12,
    client_no_context_takeover=True,
    compress_settings={"memLevel": 3},
)
"""How frames are compressed where a client offers it: in 15 kB for each socket, of which uvicorn takes 43.

What is sent refers to the kilobyte before it: successive states of a document are alike. A client sends
little, so nothing of it is kept.
"""


class Connection(WebSocketsSansIOProtocol):
    """Takes little memory, and always ends with what clients take as a reason to connect again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.config.ws_per_message_deflate:
            self.conn.available_extensions = [DEFLATE]

    async def send(self, message: Any) -> None:
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
