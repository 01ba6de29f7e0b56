"""Answers that need no waiting: the server gives them before it makes a task of the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What an application answers at once, where a server asks it.

    A server that knows nothing of this, or that has reasons not to ask, gets the same answer over ASGI.
    """

    target: bytes
    """The path of the requests, all of which are POST requests without a query string."""

    answer: Callable[[Headers, bytes], tuple[Headers, bytes] | None]
    """Return the headers and the body of the response, whose status is 200, to a request with these headers
    and this body; `None` for a request that has to go the ordinary way. It raises nothing.
    """
