"""Answers that need no waiting, which the server sends without a task for the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The part of an application that a server may call to answer a request without waiting.

    A server that does not support this, or does not use it for a request, gets the same answer over ASGI.
    """

    target: bytes
    """The path of the requests, all of which are POST requests without a query string."""

    read: Callable[[Headers], Any]
    """Return what `answer` needs of a request's headers; `None` for a request that must go through ASGI.

    It depends on the headers only: for the same ones it need not be called again.
    """

    answer: Callable[[Any, bytes, tuple[str, int] | None], tuple[Headers, bytes] | None]
    """Return headers and body of the response with status 200 to a request with these headers and this body.

    The first argument is what `read` returned, the third one the address and port from which the connection
    comes.

    Return `None` for a request that must go through ASGI. Never raise an exception.
    """
