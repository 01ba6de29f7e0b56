"""What is still served while more connections are open than there are files for.

Each connection is an open file. At the process's limit (`ulimit -n`) none could be accepted, and an
orchestrator whose health check is not answered would restart a service that works.
"""

import sys
from typing import Any

from starlette.exceptions import HTTPException

from app.graphql.transport.refused import refused
from app.web.health import PATHS

RESERVED = 200
"""Open files for all but connections: the stores' pools of connections, their files, pages that are read."""

SPARE = 32
"""Connections beyond the others, for health checks."""


def most_connections() -> int:
    """Return how many connections may be open, by the limit of open files; at least half of that."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(limit - RESERVED - SPARE, limit // 2)


def health_only(app: Any) -> Any:
    """Return an application that refuses all but health checks, which `app` answers."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] in PATHS:
            await app(scope, receive, send)
        else:
            busy = HTTPException(
                503, "Too many connections are open. Try again in a moment.", {"Retry-After": "1"}
            )
            await refused(busy)(scope, receive, send)

    return answer
