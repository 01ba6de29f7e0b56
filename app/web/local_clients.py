"""The rule that some routes are only for clients on the service's own machine, which may see its inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def is_local(request: Request) -> bool:
    """Return whether the client is on the service's own machine, and sent the request itself."""
    address = address_of(request)
    return bool(address and address.is_loopback)


def address_of(request: Request) -> IPv4Address | IPv6Address | None:
    """Return the address of the client; `None` if it is unknown, or that of a proxy."""
    # A proxy on the same machine connects from loopback, too, on behalf of any client.
    if request.client is None or {"forwarded", "x-forwarded-for", "via"} & {*request.headers}:
        return None
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def refused(
    reason: str = "Send this request from the service's own machine, and not through a proxy.",
) -> Response:
    """Return the response to any other client."""
    return JSONResponse({"status": "refused", "reason": reason}, 403)
