"""HTTP responses that a connection writes without the application."""

from collections.abc import Iterable
from http import HTTPStatus

_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


def in_bytes(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return the bytes of an HTTP/1.1 response."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((_STATUS_LINES[status], *lines, b"\r\n", body))
