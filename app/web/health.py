"""The health checks: whether the process is alive, and whether it is ready for requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.cqrs.circle import Circle
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.impersonal import outline
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable

PATIENCE = 5.0
"""Seconds that a store may take to answer a probe."""

VALIDITY = 1.0
"""Seconds for which a successful probe is reused: probes write, so frequent requests would delay commands."""

LIVE, READY = "/health/live", "/health/ready"
PATHS = frozenset({LIVE, READY})

logger = logging.getLogger(__name__)

_UNCACHED = {"Cache-Control": "no-store"}


async def live(_request: Request) -> Response:
    """Return a response with status 200, which shows that the process can answer requests."""
    return JSONResponse({"status": "ok"}, headers=_UNCACHED)


class Readiness:
    """The check of stores and read models; concurrent requests share one probe of each store."""

    def __init__(self, circle: Callable[[], Circle]) -> None:
        self._circle = circle
        self._running: dict[str, asyncio.Task[str | None]] = {}
        self._fine_until: dict[str, float] = {}

    async def ready(self, _request: Request) -> Response:
        """Return status 200 if both stores take writes and every read model is live, otherwise 503."""
        circle = self._circle()
        missing = [
            f"{name} is {progress.state.value.lower().replace('_', ' ')}"
            for name, progress in circle.progress.items()
            if progress.state is not ReadModelState.LIVE
        ]
        faults = await asyncio.gather(
            *(self._fault_of(store, probe) for store, probe in circle.probes.items())
        )
        missing += [fault for fault in faults if fault]
        status = {"status": "not ready", "missing": missing} if missing else {"status": "ok"}
        return JSONResponse(status, 503 if missing else 200, headers=_UNCACHED)

    async def _fault_of(self, store: str, probe: Callable[[], Awaitable[None]]) -> str | None:
        if monotonic() < self._fine_until.get(store, 0):
            return None
        running = self._running.get(store)
        if running is None:
            running = self._running[store] = asyncio.create_task(self._probe(store, probe))
            running.add_done_callback(lambda _: self._running.pop(store))
        await asyncio.wait([running], timeout=PATIENCE)
        return running.result() if running.done() else f"the {store} does not answer within {PATIENCE:g} s"

    async def _probe(self, store: str, probe: Callable[[], Awaitable[None]]) -> str | None:
        try:
            await probe()
        except (ReadStoreUnavailable, WriteStoreUnavailable) as error:
            return f"the {store} takes no writes: {error}"
        except Exception as error:  # An unforeseen error must not hide the other results.
            logger.error("A probe has failed: store=%r error=%s", store, outline(error))
            return f"the {store} could not be probed: {type(error).__name__}"
        self._fine_until[store] = monotonic() + VALIDITY
        return None


def routes(circle: Callable[[], Circle]) -> list[Route]:
    """Return the routes of the health checks of a service."""
    return [Route(LIVE, live), Route(READY, Readiness(circle).ready)]
