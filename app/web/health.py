"""Whether the service lives, and whether it is ready to be asked."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.cqrs.circle import Circle
from app.cqrs.command_bus import WriteStoreUnavailable
from app.cqrs.documents import ReadStoreUnavailable
from app.cqrs.progress import ReadModelState


async def live(_request: Request) -> Response:
    """200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"}, headers=_UNCACHED)


async def ready(request: Request) -> Response:
    """200 when both stores answer and every read model has caught up; else 503 with what is missing."""
    circle: Circle = request.app.state.circle
    missing = [
        f"{name} is {progress.state.value.lower().replace('_', ' ')}"
        for name, progress in circle.progress.items()
        if progress.state is not ReadModelState.LIVE
    ]
    for store, ask in (("write store", circle.log.head), ("read store", circle.documents.ping)):
        try:
            await ask()
        except (ReadStoreUnavailable, WriteStoreUnavailable) as error:
            missing.append(f"the {store} does not answer: {error}")
    status = {"status": "not ready", "missing": missing} if missing else {"status": "ok"}
    return JSONResponse(status, 503 if missing else 200, headers=_UNCACHED)


_UNCACHED = {"Cache-Control": "no-store"}
routes = [Route("/health/live", live), Route("/health/ready", ready)]
