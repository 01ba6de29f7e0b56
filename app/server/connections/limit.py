"""The limit of open connections, beyond which only health checks are answered.

Each connection is an open file. At the process's limit (`ulimit -n`) no connection could be accepted, and an
orchestrator that gets no answer to its health check would restart a service that works.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

from starlette.exceptions import HTTPException

from app.graphql.transport.responses.refused import refused
from app.web.health import PATHS

RESERVED = 200
"""Open files kept free of connections: for the stores' connection pools and files, and for static pages."""

SPARE = 32
"""Connections above the limit, for health checks."""


def most_connections() -> int:
    """Return how many connections may be open: the limit of open files less reserves, at least half of it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(limit - RESERVED - SPARE, limit // 2)


def close_idle(waiting: Iterable[tuple[float, asyncio.Transport]]) -> bool:
    """Close a tenth of the idle connections, the longest idle first; return whether there were any.

    Each comes with the loop's time at which it would be closed anyway.
    """
    idle = sorted(waiting, key=lambda each: each[0])
    for _, transport in idle[: len(idle) // 10 + 1]:
        transport.abort()
    return bool(idle)


def health_only(app: Any) -> Any:
    """Return an ASGI application that passes health checks to `app` and refuses all other requests."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] in PATHS:
            await app(scope, receive, send)
        else:
            busy = HTTPException(
                503, "Too many connections are open. Try again in a moment.", {"Retry-After": "1"}
            )
            await refused(busy)(scope, receive, send)

    return answer
