"""uvicorn's HTTP connections, with answers that need no task: those that an application can give at once."""

import asyncio
from collections import deque
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.server.connections.pipelining import PipelinedConnection
from app.server.connections.repeated_heads import RepeatedHead
from app.web.at_once import AtOnce

_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


def in_bytes(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return the bytes of an HTTP/1.1 response, which a connection writes without the application."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((_STATUS_LINES[status], *lines, b"\r\n", body))


class AnsweringConnection(PipelinedConnection):
    """An HTTP connection that answers a request itself, in its turn, if the application can do so at once.

    Only one request of those that arrive together is answered at once, or other connections would wait.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._at_once: AtOnce | None = None
        self._unanswered = deque[RequestResponseCycle]()
        """The requests that the application has not answered yet."""
        self._may_answer_at_once = False
        self._held_back: bytes | None = None
        """The body received so far of a request that may be answered at once when it is complete."""
        self._is_between = True
        """True if the parser has read whole requests only."""
        self._begun = 0
        """The number of requests that began in the bytes that were received last."""
        self._answered: tuple[bytes, Any] | None = None
        """The body of the request that was just answered at once, and what was read of its headers."""
        self._repeated: RepeatedHead | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Find out whether the application can answer at once; a log of all requests would miss these."""
        super().connection_made(transport)
        if not self.config.access_log:
            self._at_once = getattr(self.app, "at_once", None)

    def data_received(self, data: bytes) -> None:
        """Answer a request whose head is known; leave all else to the parser."""
        if self._repeated is None or not self._is_answered_as_repeated(self._repeated, data):
            super().data_received(data)

    def parse(self, data: bytes) -> None:
        """Parse received bytes, and remember the head of a request that was answered at once."""
        was_between = self._is_between
        self._begun, self._answered = 0, None
        self._may_answer_at_once = self._at_once is not None
        super().parse(data)
        if self._held_back is not None:  # The rest of the body is still to come.
            self._hand_over_held_back()
        if was_between and self._begun == 1:  # The bytes are just this one request, or a part of it.
            self._remember_head(data)

    def on_message_begin(self) -> None:
        """Prepare for a new request."""
        self._is_between = False
        self._begun += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless it may be answered at once."""
        if self._may_answer_at_once and self._is_for_an_answer_at_once():
            self._may_answer_at_once = False
            self._held_back = b""
        else:
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        if self._held_back == b"":
            self._held_back = body
            return
        if self._held_back is not None:  # The body arrives in several parts.
            self._hand_over_held_back()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a complete request at once if possible; otherwise leave it to the application."""
        self._is_between = True
        if self._held_back is not None:
            assert self._at_once
            read, body = self._at_once.read(self.headers), self._held_back
            if read is not None and self._answer_at_once(read, body):
                self._held_back, self._answered = None, (body, read)
                return
            self._hand_over_held_back()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        if self._unanswered:
            self._unanswered.popleft()
        super().on_response_complete()

    def answered_at_once(self) -> None:
        """Count an answer that the application had no task for."""
        self.server_state.total_requests += 1

    def _hand_over(self) -> None:
        """Start the application on the request."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:  # The request is not a websocket handshake.
            self._unanswered.append(self.cycle)

    def _hand_over_held_back(self) -> None:
        body, self._held_back = self._held_back, None
        self._hand_over()
        if body:
            super().on_body(body)

    def _is_for_an_answer_at_once(self) -> bool:
        return (
            self._at_once is not None
            and self.url == self._at_once.target
            and not self._unanswered
            and not self.flow.write_paused
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def _remember_head(self, request: bytes) -> None:
        if self._answered:
            body, read = self._answered
            self._repeated = RepeatedHead.of(request, body, self.headers, read)

    def _is_answered_as_repeated(self, repeated: RepeatedHead, data: bytes) -> bool:
        """Answer a request whose head the parser has read before; return false if that is not possible."""
        body = repeated.body_in(data)
        may = (
            body is not None
            and self._is_between
            and not self._unanswered
            and not self.has_unparsed
            and not self.flow.write_paused
            and self.timeout_keep_alive_task is None
            and self.parses
        )
        return may and body is not None and self._answer_at_once(repeated.read, body)

    def _answer_at_once(self, read: Any, body: bytes) -> bool:
        answer = self._at_once.answer(read, body, self.client) if self._at_once else None
        if answer is None:
            return False
        headers, content = answer
        self.transport.write(in_bytes(200, (*self.server_state.default_headers, *headers), content))
        self.answered_at_once()
        return True
