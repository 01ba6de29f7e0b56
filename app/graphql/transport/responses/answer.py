"""A response with one result; the unchanged one to a GET request is not sent again."""

from hashlib import sha256

from starlette.types import Receive, Scope, Send

from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.execution.results import result_in
from app.graphql.transport.media_types import JSON

TOKEN_HEADER_BYTES = TOKEN_HEADER.lower().encode()

NO_STORE = (b"cache-control", b"no-store")
"""The header of a GET request's response that no cache may keep."""

_PUBLIC, _PRIVATE = (b"cache-control", b"public, no-cache"), (b"cache-control", b"private, no-cache")
"""The headers of answers that caches may keep, if they ask each time whether these are still the same."""

_VARY = (b"vary", b"Accept, Authorization")
_DIGITS = 32


class Answer:
    """A response with a JSON body and a consistency token."""

    def __init__(self, body: bytes, media_type: str, token: str | None, status: int) -> None:
        self.body = body
        self._status = status
        self._media_type = media_type
        self.headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"vary", b"Accept"),
        ]
        if token:
            self.headers.append((TOKEN_HEADER_BYTES, token.encode()))

    def revalidate(self, if_none_match: bytes, *, is_public: bool) -> None:
        """Let caches keep this answer to a GET request, and send no body if the client has the same one.

        An answer that shows nothing of the documents, such as a refusal, is not kept.
        """
        result = result_in(self.body)
        if result is None or self._status != 200:
            self.headers.append(NO_STORE)
            return
        tag = b'"%b%b"' % (
            b"j" if self._media_type == JSON else b"g",
            sha256(result).hexdigest()[:_DIGITS].encode(),  # the quickest on processors that have it built in
        )
        changed = {b"vary"}
        if tag in if_none_match or if_none_match.strip() == b"*":
            self._status, self.body = 304, b""
            changed |= {b"content-type", b"content-length"}
        self.headers = [
            *(header for header in self.headers if header[0] not in changed),
            (b"etag", b"W/" + tag),
            _VARY,
            _PUBLIC if is_public else _PRIVATE,
        ]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the whole response."""
        await send({"type": "http.response.start", "status": self._status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})
