"""uvicorn's HTTP connections, closed only when the client can have read the answer that it gets early.

An application may answer before the body has arrived, for instance that it is too large. uvicorn then closes
the connection, if the client has asked for that. Because bytes of the body are unread, the kernel resets the
connection, and the client may see the reset instead of the answer.
"""

import asyncio
from typing import Any

from app.server.connections.answering import AnsweringConnection

LINGER = 2
"""Seconds in which a client that was answered early may go on sending."""


class LingeringConnection(AnsweringConnection):
    """An HTTP connection that drops the rest of a body, for a while, before it is closed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lingers = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the request that was received last."""
        if self.cycle is not None:
            self.cycle.transport = self.transport
        super().connection_lost(exc)

    @property
    def parses(self) -> bool:
        """True if received bytes are still to be parsed."""
        return super().parses and not self._lingers

    def parse(self, data: bytes) -> None:
        """Parse received bytes; if the body goes on, the connection may be closed only as `linger` says."""
        super().parse(data)
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_started:
            self.cycle.transport = _Lingering(self, self.transport)  # type: ignore[assignment]

    def linger(self) -> None:
        """Tell the client that nothing follows, ignore what it sends, and close the connection soon."""
        self._lingers = True
        self.forget_requests()
        if self.transport.can_write_eof():  # TLS has no half-closed connections.
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER, self.transport.close)

    def on_response_complete(self) -> None:
        """Continue with the next request, unless the connection is about to be closed."""
        if self._lingers:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()


class _Lingering:
    """The transport of a request whose body still arrives: it gives the client time to read the answer."""

    def __init__(self, connection: LingeringConnection, transport: asyncio.Transport) -> None:
        self._connection = connection
        self.write, self.is_closing = transport.write, transport.is_closing

    def close(self) -> None:
        """Close the connection at once if the whole body has arrived meanwhile."""
        connection = self._connection
        if connection.cycle is not None and connection.cycle.more_body:
            connection.linger()
        else:
            connection.transport.close()
