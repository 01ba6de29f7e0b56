"""The endpoint at which a page exchanges its token for a cookie."""

import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.graphql.transport.responses.refused import refused
from app.graphql.transport.senders.authentication import Authentication, bearer_token
from app.graphql.transport.senders.cookies import COOKIE, LONGEST


class CookieExchange:
    """The ASGI application that sets the cookie for a token (POST), and removes it (DELETE).

    Browsers send the cookie to `path` and below, and scripts of pages can't read it.
    """

    def __init__(self, authentication: Authentication, path: str) -> None:
        self._authentication = authentication
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the status 204, or with a refusal in GraphQL's response format."""
        try:
            response = await self._answer(scope["method"], Headers(scope=scope), scope["scheme"])
        except HTTPException as refusal:
            response = refused(refusal)
        await response(scope, receive, send)

    async def _answer(self, method: str, headers: Headers, scheme: str) -> Response:
        # Behind a proxy that ends TLS, only the page's origin tells that the browser uses https.
        is_https = "https" in (scheme, headers.get("x-forwarded-proto"), headers.get("origin", "")[:5])
        if method == "DELETE":
            return self._with("", 0, is_https)
        if method != "POST":
            raise HTTPException(
                405, f"{method} is not allowed. Send the token with POST.", {"Allow": "POST, DELETE"}
            )
        sent = headers.get("authorization", "").encode("latin-1")
        viewer = await self._authentication.of_request({b"authorization": sent})
        if viewer.expires_at is None:
            raise HTTPException(404, "This service takes no tokens. Send requests without a cookie.")
        token = bearer_token(sent)
        if len(token) > LONGEST:
            raise HTTPException(
                413,
                f"The token has {len(token):,} bytes, and one in a cookie may have {LONGEST:,}. "
                "Send it in the header Authorization.",
            )
        return self._with(token.decode("latin-1"), max(int(viewer.expires_at - time.time()), 0), is_https)

    def _with(self, token: str, seconds: int, is_https: bool) -> Response:
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        response.set_cookie(
            COOKIE.decode(),
            token,
            max_age=seconds,
            path=self._path,
            secure=is_https,
            httponly=True,
            samesite="strict",
        )
        return response
