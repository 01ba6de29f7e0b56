"""The rule that some routes are only for clients on the service's own machine, which may see its inside."""

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def is_local(request: Request) -> bool:
    """Return whether the client is on the service's own machine, and sent the request itself."""
    # A proxy on the same machine connects from loopback, too, on behalf of any client.
    if request.client is None or {"forwarded", "x-forwarded-for", "via"} & {*request.headers}:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def refused() -> Response:
    """Return the response to any other client."""
    return JSONResponse(
        {
            "status": "refused",
            "reason": "Send this request from the service's own machine, and not through a proxy.",
        },
        403,
    )
