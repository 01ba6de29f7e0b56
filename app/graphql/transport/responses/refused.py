"""The response to a request that is refused before its operation is executed."""

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.graphql.transport.media_types import JSON

_CODES = {
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    413: "LIMIT_EXCEEDED",
    500: "INTERNAL",
    503: "OVERLOADED",
}


class Refusal(HTTPException):
    """A refusal with a code of its own."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(status, message)
        self.code = code


def refused(refusal: HTTPException, media_type: str = JSON, status: int | None = None) -> Response:
    """Return the response to a refused request, in GraphQL's response format."""
    code = getattr(refusal, "code", None) or _CODES.get(refusal.status_code, "BAD_REQUEST")
    body = {"errors": [{"message": refusal.detail, "extensions": {"code": code}}]}
    headers = {
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",  # Some refusals of GET requests could be cached otherwise, such as 405.
        **(refusal.headers or {}),
    }
    return Response(orjson.dumps(body), status or refusal.status_code, headers, media_type)
