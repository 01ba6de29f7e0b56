"""The callers of requests and sockets, whose spending is counted."""

from collections.abc import Callable, Iterable

from app.graphql.admission.budgets import Caller

Client = tuple[str, int] | None
"""The address and port of a connection's other end, as ASGI has it; `None` if it has none."""

CallerOf = Callable[[Client, bytes | None], Caller | None]
"""A function from a connection's other end and `X-Forwarded-For` to the caller; `None` if nobody counts."""

FORWARDED_FOR = b"x-forwarded-for"


def nobody_counts(_client: Client, _forwarded: bytes | None) -> None:
    """Return no caller, because there are no budgets."""


def forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the value of `X-Forwarded-For`, joined if there are several; `None` without one."""
    return b",".join(value for name, value in headers if name == FORWARDED_FOR) or None
