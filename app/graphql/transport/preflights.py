"""Preflights, with which browsers ask whether a page of another origin may use the API."""

import logging
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from app.graphql.transport.origins import Origins
from app.graphql.transport.responses.refused import refused

LONGEST_ORIGIN = 200
"""Characters of an origin that an answer repeats; a host name has at most 253, and most have some 20."""

MOST_LOGGED = 10
"""Origins that are logged, each once: anybody can send any number of them."""

logger = logging.getLogger(__name__)


class Preflights:
    """An endpoint that answers the preflight of a page that is not allowed with the setting that allows it.

    Otherwise a developer whose page is served by another port would see no more than that it does not work.
    """

    def __init__(self, endpoint: ASGIApp, allowed: Sequence[str]) -> None:
        self._endpoint = endpoint
        self._origins = Origins(allowed)
        self._logged = set[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse such a preflight; pass everything else to the endpoint."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "access-control-request-method" in headers and not self._origins.allow(headers):
                await refused(self._refusal(headers.get("origin", "null")))(scope, receive, send)
                return
        await self._endpoint(scope, receive, send)

    def _refusal(self, origin: str) -> HTTPException:
        if origin == "null" or not origin.isascii() or not origin.isprintable():
            return HTTPException(
                403,
                "Pages without an origin, such as local files, may not use this service. Serve the page over "
                "HTTP, and add its origin to the setting ALLOWED_ORIGINS.",
            )
        shown = origin[:LONGEST_ORIGIN]
        if shown not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(shown)
            logger.warning("A page of another origin was refused: origin=%s setting=ALLOWED_ORIGINS", shown)
        return HTTPException(
            403,
            f"Pages of {shown} may not use this service. If they should, add {shown} to the setting "
            "ALLOWED_ORIGINS, and restart the service.",
        )
