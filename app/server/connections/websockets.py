"""uvicorn's websocket connections, which end so that clients reconnect, and take less memory."""

import random
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.protocol import State

from app.graphql.transport.sockets import SEND_AT_ONCE

GRACE = 2
"""Seconds that open connections have to end after the service was told to stop; mongod takes one more."""

CLOSED_A_SECOND = 1000
"""Websockets closed per second when the service stops, so that clients do not all reconnect at once."""

UNREAD = 10
"""Seconds that a client has to read the close frame before its connection is dropped."""

DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=10,
    client_max_window_bits=12,
    client_no_context_takeover=True,
    compress_settings={"memLevel": 3},
)
"""The compression of frames for clients that offer it. It takes 15 kB per socket; uvicorn's takes 43 kB.

The window of the sending side is 1 kB, which is enough because successive states of a document are alike.
Clients send little, so the receiving side keeps no window between messages.
"""


def _frame(text: bytes) -> bytes:
    """Return a server's frame with a whole text: neither masked nor compressed, as RFC 6455 has it."""
    length = len(text)
    if length < 126:
        return b"\x81%c%b" % (length, text)
    if length < 1 << 16:
        return b"\x81\x7e%b%b" % (length.to_bytes(2), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8), text)


class Connection(WebSocketsSansIOProtocol):
    """A websocket connection that takes little memory and ends in a way that makes clients reconnect."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.config.ws_per_message_deflate:
            self.conn.available_extensions = [DEFLATE]

    async def send(self, message: Any) -> None:
        """Send an ASGI message; send a close frame at once, even if the client has left data unread.

        Raise `ClientDisconnected` if the socket was closed meanwhile: a client may send a message and, before
        it is answered, a frame that is none. uvicorn closes the socket at once, and the answer is no fault.
        """
        if self.handshake_complete and self.close_sent:
            raise ClientDisconnected
        if (text := message.get("text")) is not None and self._sends_plainly:
            if self.disconnected:
                raise ClientDisconnected
            self.transport.write(_frame(text.encode()))
            return
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self.loop.call_later(UNREAD, self.transport.abort)
        await super().send(message)

    async def run_asgi(self) -> None:
        """Run the application, and offer it a way to send without waiting."""
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), SEND_AT_ONCE: self.send_at_once}  # type: ignore[dict-item]
        await super().run_asgi()

    def send_at_once(self, text: bytes) -> bool:
        """Send a frame with a text in UTF-8; return false, and send nothing, if that could have to wait."""
        if self.disconnected or self.close_sent or not self._sends_plainly:
            return False
        self.transport.write(_frame(text))
        return True

    @property
    def _sends_plainly(self) -> bool:
        """True if frames are sent now, and not compressed: a text needs only a frame's head.

        A list's change goes to a thousand subscribers, so that each step on the way to the socket counts.
        """
        conn = self.conn
        return (
            self.writable.is_set()
            and self.handshake_complete
            and conn.state is State.OPEN
            and not conn.extensions
        )

    def shutdown(self) -> None:
        """Close with code 1012 after a random delay, which may be longer the more connections are open."""
        longest = min(GRACE / 2, len(self.connections) / CLOSED_A_SECOND)
        self.loop.call_later(random.uniform(0, longest), super().shutdown)  # noqa: S311 - no secret

    def keepalive_timeout(self) -> None:
        """Drop a client that does not answer pings.

        It can't read a close frame, and some clients do not reconnect after code 1011, which uvicorn sends.
        """
        self.transport.abort()
