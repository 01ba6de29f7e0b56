"""uvicorn's HTTP connections, with limits on how much and how slowly a client may send and read.

uvicorn has no settings for these limits, and its protocols are no public interface. Only this file,
`answering.py`, `lingering.py`, `pipelining.py` and `websockets.py` use their names; `tests/server/` fails
when a release has changed one.
"""

import asyncio
from typing import Any, ClassVar

from starlette.exceptions import HTTPException

from app.graphql.transport.responses.refused import refused
from app.server.connections.answering import in_bytes
from app.server.connections.deadlines import Deadline
from app.server.connections.limit import SPARE, close_idle, health_only, most_connections
from app.server.connections.lingering import LingeringConnection
from app.server.connections.slow_readers import SlowReader

MOST_HEADERS = 65_536
"""Largest size, in bytes, of a request's first line and headers, and of everything else around its body."""

IDLE = 75
"""Seconds that an idle connection is kept open: longer than clients and proxies keep theirs, so that they
close it first. Otherwise a client could send a command into a connection that was just closed."""

LAST_REQUEST = 0.5
"""Seconds in which the last request of an idle connection may still arrive when the service stops: it may be
under way. Closed at once, the client would not know whether its command takes effect."""

CLOSE = (b"connection", b"close")

LAST_PATIENCE = 1
"""Seconds that a client has to read the rest of its answer when the service stops."""


class HTTPConnection(LingeringConnection):
    """An HTTP connection that disconnects a client that sends or reads too slowly, or sends too much."""

    request_patience: ClassVar[float] = 20
    """Seconds within which a whole request must arrive."""

    read_patience: ClassVar[float] = 30
    """Seconds within which a client that is behind must read at least `LEAST_READ` bytes of its answers."""

    idle_patience: ClassVar[float] = IDLE
    """Seconds that the connection is kept open before its first request."""

    most_open: ClassVar[int] = most_connections()
    """Number of connections and sockets above which only health checks are answered."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_spare = self._is_websocket = self._too_large = False
        self._is_whole = self._in_body = self._has_progress = False
        self._around = 0
        self._deadline = Deadline(self.loop, self._deadline_passed)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; if too many connections are open, close some that are idle."""
        super().connection_made(transport)
        self._reader = SlowReader(transport, self.read_patience)
        self._deadline.set(self.idle_patience)
        if len(self.connections) > self.most_open and not self._make_room():
            self._is_spare = True
            self.app, self._at_once = health_only(self.app), None
            if len(self.connections) > self.most_open + SPARE:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all running requests that the client has disconnected."""
        self.forget_requests()
        self._stop_timers()
        super().connection_lost(exc)

    @property
    def parses(self) -> bool:
        """True if received bytes are still to be parsed."""
        return super().parses and not self._is_websocket

    def parse(self, data: bytes) -> None:
        """Parse received bytes, and count the bytes that belong to no body."""
        self._has_progress = False
        self._around += len(data)
        super().parse(data)
        if not self.parses:
            return
        if self._has_progress:
            self._around = 0
        if not self._is_whole:
            if self._around > MOST_HEADERS:
                self._refuse_headers()
            elif self._deadline.until is None:
                self._deadline.set(self.request_patience)
        elif self._deadline.until is None and not self._unanswered and self.timeout_keep_alive_task is None:
            self._deadline.set(self.idle_patience)  # The client sent bytes that begin no request.

    def on_message_begin(self) -> None:
        """Prepare for a new request."""
        self._is_whole = self._in_body = False
        self._deadline.clear()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Read the request, unless its headers are too large."""
        self._has_progress = True
        if self._around > MOST_HEADERS and self._size_of_headers() > MOST_HEADERS:
            self._too_large = True
            raise ValueError("the headers are too large")
        super().on_headers_complete()

    def _hand_over(self) -> None:
        before = self.cycle
        super()._hand_over()
        if self.cycle is not before:  # The request is not a websocket handshake.
            self._in_body = True
            if self._is_spare:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._has_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no longer for the request."""
        self._is_whole = self._has_progress = True
        self._deadline.clear()
        super().on_message_complete()
        self._in_body = False

    def answered_at_once(self) -> None:
        """Begin to wait for the next request."""
        super().answered_at_once()
        if CLOSE in self.server_state.default_headers:
            self.transport.close()
            return
        self._around = 0
        self._deadline.set(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        super().on_response_complete()
        if self.transport.is_closing():  # A transport closes only once the client has read everything.
            self._reader.watch()

    def handle_websocket_upgrade(self) -> None:
        """Make the connection a websocket; refuse if there is no room or an earlier answer is still due."""
        if self._is_spare or self._unanswered:
            self._refuse(503, "Too many connections are open. Try again in a moment.")
            return
        self._stop_timers()
        self._is_websocket = True
        super().handle_websocket_upgrade()

    def send_400_response(self, _msg: str) -> None:
        """Refuse a request that the parser can't read, or whose headers are too large."""
        if self._too_large:
            self._refuse_headers()
        else:
            self._refuse(400, "This is not a valid HTTP request. Check the request line and the headers.")

    def pause_writing(self) -> None:
        """Stop sending until the client has read more, and begin to watch whether it does."""
        super().pause_writing()
        self._reader.watch()

    def resume_writing(self) -> None:
        """Go on sending, and stop watching: the client has read enough."""
        super().resume_writing()
        if not self.transport.is_closing():  # While closing, the client must still read what is left.
            self._reader.stop()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if its client does not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Let the running request end, and one that is under way; answers say that they are the last.

        A client that does not read has `LAST_PATIENCE` seconds.
        """
        if CLOSE not in self.server_state.default_headers:
            self.server_state.default_headers.append(CLOSE)
        if self._is_idle and not self.transport.is_closing():
            self.loop.call_later(LAST_REQUEST, self._close_if_idle)
        else:
            super().shutdown()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(LAST_PATIENCE, self.transport.abort)

    @property
    def waiting_until(self) -> float | None:
        """The loop's time at which an idle connection is closed; `None` while the service owes an answer."""
        if self.transport.is_closing():
            return None
        if self._deadline.until is None and self.timeout_keep_alive_task:
            return self.timeout_keep_alive_task.when()
        return self._deadline.until

    @property
    def _is_idle(self) -> bool:
        """True if the service owes no answer on this connection."""
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._is_idle:
            self.transport.close()

    def _make_room(self) -> bool:
        return close_idle(
            (until, each.transport)
            for each in self.connections
            if isinstance(each, HTTPConnection) and each is not self and (until := each.waiting_until)
        )

    def _size_of_headers(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _deadline_passed(self) -> None:
        if (
            self.flow.read_paused or self.has_unparsed
        ):  # The service itself has stopped reading, until earlier answers are done.
            self._deadline.set(self.request_patience)
        elif self.scope is None or self._is_whole:
            self.timeout_keep_alive_handler()
        else:
            self._refuse(408, f"The request took over {self.request_patience:g} seconds. Send it again.")

    def _refuse_headers(self) -> None:
        self._refuse(431, f"The request's headers are larger than {MOST_HEADERS:,} bytes. Send fewer.")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer instead of the application, and ignore everything else that the client sends."""
        in_turn = len(self._unanswered) == self._in_body and not (
            self._in_body and self.cycle.response_started
        )
        self._held_back = None  # The application would answer after the refusal.
        if not in_turn:  # The client would take the refusal for the answer to an earlier request.
            self.transport.abort()
            return
        response = refused(HTTPException(status, reason, {"Connection": "close"}))
        headers = (*self.server_state.default_headers, *response.raw_headers)
        self.transport.write(in_bytes(status, headers, bytes(response.body)))
        self.linger()

    def linger(self) -> None:
        """Let the client go on sending for a while; it has as long as any other to read its answers."""
        super().linger()
        self._stop_timers()
        self._reader.watch()

    def forget_requests(self) -> None:
        """Drop the requests that wait, and tell those that run that the client has disconnected."""
        super().forget_requests()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._unanswered.clear()
        self.flow.resume_writing()

    def _stop_timers(self) -> None:
        self._deadline.stop()
        self._reader.stop()
