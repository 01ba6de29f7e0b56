"""The viewer to whom the token of a request or of a socket belongs."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from app.cqrs.viewers import ANONYMOUS, OPEN, NotVerifiable, Unauthenticated, Viewer
from app.graphql.transport.joined_headers import by_name
from app.graphql.transport.origins import Origins
from app.graphql.transport.senders.cookies import COOKIE, token_in

_SCHEMES = (b"Bearer ", b"bearer ")

_HEADER = b"authorization"

_NOT_IN_CHALLENGES = re.compile(r"[^ -~]")

RETRY_AFTER = "5"
"""Seconds after which a client should send a token again that could not be verified."""


class Authenticator(Protocol):
    """Turns tokens into viewers."""

    def recall(self, token: bytes) -> Viewer | None:
        """Return the viewer of a token that was verified before and is still valid, without waiting."""

    async def verify(self, token: bytes) -> Viewer:
        """Return the viewer of a token; raise `Unauthenticated` or `NotVerifiable`."""

    def watch(self, viewer: Viewer, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended` once with the reason when the viewer's token expires or is revoked.

        Return the function that ends the watch.
        """


class Authentication:
    """The viewers of requests and sockets; without an authenticator, everybody is `OPEN`."""

    def __init__(self, authenticator: Authenticator | None, allowed_origins: Sequence[str] = ()) -> None:
        self._authenticator = authenticator
        self._recall = authenticator.recall if authenticator else None
        self._origins = Origins(allowed_origins)

    def at_once(self, headers: Mapping[bytes, bytes]) -> Viewer | None:
        """Return the viewer of a request; `None` if its token has to be verified, or refused."""
        return self.recalling(headers)()

    def recalling(self, headers: Mapping[bytes, bytes]) -> Callable[[], Viewer | None]:
        """Return the function that does the same for all requests with these headers, whenever they come."""
        recall = self._recall
        if recall is None:
            return _open
        sent = headers.get(_HEADER)
        if sent is not None:
            return partial(recall, sent[7:]) if sent.startswith(_SCHEMES) else _nobody
        return _nobody if COOKIE in headers.get(b"cookie", b"") else _anonymous

    async def of_request(self, headers: Mapping[bytes, bytes]) -> Viewer:
        """Return the viewer of a request; raise `HTTPException` with the status 401 or 503."""
        if viewer := self.at_once(headers):
            return viewer
        try:
            return await self._verified(headers)
        except Unauthenticated as refusal:
            challenge = f'Bearer error="invalid_token", error_description="{_ascii(str(refusal))}"'
            raise HTTPException(401, str(refusal), {"WWW-Authenticate": challenge}) from refusal
        except NotVerifiable as trouble:
            raise HTTPException(503, str(trouble), {"Retry-After": RETRY_AFTER}) from trouble

    async def of_socket(self, payload: Mapping[str, Any], handshake: Headers) -> Viewer:
        """Return the viewer whose token is in the payload of a message, or else in the handshake's headers.

        Raise `Unauthenticated` or `NotVerifiable`.
        """
        headers = by_name(handshake.raw)
        if (sent := sent_in(payload)) is not None:
            headers[_HEADER] = str(sent).encode()
        return self.at_once(headers) or await self._verified(headers)

    def watch(self, viewer: Viewer, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended` once with the reason when the viewer's token is no longer valid.

        Return the function that ends the watch. Viewers without a token stay as long as they like.
        """
        if self._authenticator is None or viewer is ANONYMOUS:
            return _nothing
        return self._authenticator.watch(viewer, ended)

    async def _verified(self, headers: Mapping[bytes, bytes]) -> Viewer:
        assert self._authenticator
        sent = headers.get(_HEADER)
        token = token_in(headers, self._origins) if sent is None else bearer_token(sent)
        if token is None:  # Another cookie has a similar name.
            return ANONYMOUS
        return self._authenticator.recall(token) or await self._authenticator.verify(token)


def bearer_token(sent: bytes) -> bytes:
    """Return the token in a header `Authorization`; raise `Unauthenticated` if it has none."""
    if sent[:7].title() != b"Bearer ":
        raise Unauthenticated("The header Authorization has no bearer token. Send: Bearer <token>.")
    return sent[7:].strip()


def sent_in(payload: Mapping[str, Any]) -> object:
    """Return the value of `Authorization`, in any case, in a message's payload; `None` if it has none.

    Of several values, such as `Authorization` and `authorization`, a list is returned, which is no token.
    """
    sent = [value for name, value in payload.items() if name.lower() == "authorization" and value is not None]
    return sent[0] if len(sent) == 1 else sent or None


def without_token(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message's payload without its token, which is not to be sent back."""
    return {name: value for name, value in payload.items() if name.lower() != "authorization"}


def _ascii(text: str) -> str:
    """Return the text as RFC 6750 allows it in a challenge; it may repeat what an invalid token says."""
    return _NOT_IN_CHALLENGES.sub("?", text.replace("\\", "/").replace('"', "'"))


def _nothing() -> None:
    pass


def _open() -> Viewer:
    return OPEN


def _anonymous() -> Viewer:
    return ANONYMOUS


def _nobody() -> None:
    return None
