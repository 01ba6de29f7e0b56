"""The cookie that carries a token for `EventSource`, which can send no header of its own."""

from collections.abc import Mapping

from starlette.datastructures import Headers

from app.cqrs.viewers import Unauthenticated
from app.graphql.transport.origins import Origins

COOKIE = b"diptych-token"

LONGEST = 3_800
"""Bytes of the longest token in a cookie; browsers keep no cookie of more than 4,096 bytes."""


def token_in(headers: Mapping[bytes, bytes], origins: Origins) -> bytes | None:
    """Return the token in the cookie of a request, or `None` without one.

    Raise `Unauthenticated` unless a page of this service or of an allowed origin has sent the request: a
    browser adds the cookie to requests of other pages of the same site, too.
    """
    for each in headers.get(b"cookie", b"").split(b";"):
        name, _, value = each.strip().partition(b"=")
        if name == COOKIE:
            if origins.vouch_for(Headers(raw=list(headers.items()))):
                return value
            raise Unauthenticated(
                "The cookie counts only for pages of this service and of ALLOWED_ORIGINS. "
                "Send the token in the header Authorization."
            )
    return None
