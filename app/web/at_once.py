"""Answers that need no waiting, which the server sends without a task for the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The part of an application that a server may call to answer a request without waiting.

    A server that does not support this, or does not use it for a request, gets the same answer over ASGI.
    """

    target: bytes
    """The path of the requests, all of which are POST requests without a query string."""

    answer: Callable[[Headers, bytes, tuple[str, int] | None], tuple[Headers, bytes] | None]
    """Return headers and body of the response with status 200 to a request with these headers and this body.

    The third argument is the address and port from which the connection comes.

    Return `None` for a request that must go through ASGI. Never raise an exception.
    """
