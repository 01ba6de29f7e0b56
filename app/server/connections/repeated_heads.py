"""The part of a request before its body, which clients send again and again on a connection.

Equal bytes are read the same way. A request that repeats them need not go through the HTTP parser, whose
callbacks take about as long as all the rest of an answer from memory.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

LONGEST = 4_000
"""Bytes of the longest part that is remembered; each connection has one."""


class RepeatedHead(NamedTuple):
    """The bytes before a body, and what was read in them."""

    head: bytes
    size: int
    """The size of the whole request."""
    read: Any
    """The headers as the application has read them."""

    @classmethod
    def of(
        cls, request: bytes, body: bytes, headers: Sequence[tuple[bytes, bytes]], read: Any
    ) -> "RepeatedHead | None":
        """Return what was before the body; `None` if the request is too long, or its body is not its end."""
        head = request[: len(request) - len(body)]
        if len(head) > LONGEST or not request.endswith(body):
            return None
        if (b"content-length", b"%d" % len(body)) not in headers:
            return None
        return cls(head, len(request), read)

    def body_in(self, data: bytes) -> bytes | None:
        """Return the body if these bytes are one whole request that repeats the head; otherwise `None`."""
        if len(data) == self.size and data.startswith(self.head):
            return data[len(self.head) :]
        return None
