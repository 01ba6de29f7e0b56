"""The health checks: whether the process is alive, and whether it is ready for requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.cqrs.circle import READ_NODE, Circle
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.impersonal import outline
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from app.graphql.execution.freshness import freshness_extension
from app.web.local_clients import is_local, refused

PATIENCE = 5.0
"""Seconds that a store may take to answer a probe."""

VALIDITY = 1.0
"""Seconds for which a successful probe is reused: probes write, so frequent requests would delay commands."""

LIVE, READY, DETAIL = "/health/live", "/health/ready", "/health/detail"
PATHS = frozenset({LIVE, READY})
"""The routes that orchestrators ask under any host; they are answered when all connections are busy."""

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
        """Return status 200 if both stores take writes and no read model is catching up, otherwise 503.

        A process that only answers queries needs no store that takes writes, but a node to read from.

        A read model that has failed does not count unless all have: the event that it can't apply fails it in
        every replica, and none would be left to answer what the other read models can.
        """
        faults = await self._faults()
        return _response(self._status(faults))

    async def detail(self, request: Request) -> Response:
        """Return the same status with the state of each store and read model, to local clients."""
        if not is_local(request):
            return refused()
        circle, faults = self._circle(), await self._faults()
        status = self._status(faults)
        status["stores"] = [{"name": name, "fault": fault} for name, fault in faults.items()]
        status["readModels"] = [
            freshness_extension(progress.freshness()) for progress in circle.progress.values()
        ]
        if circle.reads_from:
            status["readsFrom"] = circle.reads_from()
        if (reason := circle.waits_for()) is not None:
            status["waitsFor"] = reason
        return _response(status)

    def _status(self, faults: Mapping[str, str | None]) -> dict[str, Any]:
        progress, unprojected = self._circle().progress, self._circle().unprojected()
        failed = [name for name, each in progress.items() if each.state is ReadModelState.FAILED]
        behind = [name for name, each in progress.items() if each.state is ReadModelState.CATCHING_UP]
        missing = [f"{name} is catching up{_waiting(unprojected.get(name))}" for name in behind]
        if len(failed) == len(progress):
            missing.append("all read models have failed")
        missing += [fault for fault in faults.values() if fault]
        status: dict[str, Any] = {"status": "not ready", "missing": missing} if missing else {"status": "ok"}
        return status | ({"failed": failed} if failed else {})

    async def _faults(self) -> dict[str, str | None]:
        """Return for each store what keeps it from taking writes; `None` if nothing does."""
        probes = self._circle().probes
        found = await asyncio.gather(*(self._fault_of(store, probe) for store, probe in probes.items()))
        return dict(zip(probes, found, strict=True))

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
            return f"the {store} {'does not answer' if store == READ_NODE else 'takes no writes'}: {error}"
        except Exception as error:  # An unforeseen error must not hide the other results.
            logger.error("A probe has failed: store=%r error=%s", store, outline(error))
            return f"the {store} could not be probed: {type(error).__name__}"
        self._fine_until[store] = monotonic() + VALIDITY
        return None


def routes(circle: Callable[[], Circle]) -> list[Route]:
    """Return the routes of the health checks of a service."""
    readiness = Readiness(circle)
    return [Route(LIVE, live), Route(READY, readiness.ready), Route(DETAIL, readiness.detail)]


def _waiting(documents: str | None) -> str:
    if documents is None:
        return ""
    return f": no process projects {documents}. Start a projector of this version, with the same TIME_ZONE"


def _response(status: dict[str, Any]) -> Response:
    return JSONResponse(status, 503 if "missing" in status else 200, headers=_UNCACHED)
