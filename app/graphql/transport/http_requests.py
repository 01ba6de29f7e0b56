"""An HTTP request, and the operation in it; whatever is none is refused."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.cqrs.sizes import bytes_of
from app.graphql.admission.kept import Kept
from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.execution.requested import Operation, complaint_about_length, complaint_about_operation
from app.graphql.transport.media_types import JSON, LONGEST_REMEMBERED, Accepted

LARGEST_BODY = 1_000_000
"""Bytes of a request's body, and of a websocket message."""

LARGEST_REMEMBERED, MOST_REMEMBERED = 2_000, 4_000_000
"""Bytes of a body that may be remembered with its operation, and of all that are: queries come again. An
operation may take 30 times as much as its body.
"""

PER_OPERATION = 1_000
"""Bytes that an operation takes beside its parts, which are text, its variables and its key."""

_TOKEN_HEADER = TOKEN_HEADER.lower().encode()


class Asked:
    """A request that is to hold an operation."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        self._raw: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first of each
        if len(self._raw) != len(scope["headers"]):  # Lists may come as several headers.
            for name in (b"accept", _TOKEN_HEADER):
                if name in self._raw:
                    self._raw[name] = b", ".join(self.headers_named(name))
        self.accepted = Accepted.by(self._raw.get(b"accept", b""))

    @property
    def tokens(self) -> str:
        """The consistency tokens that it was sent with, separated by commas."""
        return self._raw.get(_TOKEN_HEADER, b"").decode("latin-1")

    @property
    def headers(self) -> Headers:
        """All headers."""
        return Headers(scope=self.scope)

    def headers_named(self, name: bytes) -> list[bytes]:
        """The values of all headers with a name in lower case."""
        return [value for each, value in self.scope["headers"] if each == name]

    @cached_property
    def parameters(self) -> QueryParams:
        """The query string."""
        return QueryParams(self.scope["query_string"])

    async def operation(self) -> Operation:
        """The operation in the query string or the body.

        Raises `HTTPException` where there is none, and `ClientDisconnect`.
        """
        match self.method:
            case "POST":
                _refuse_encoding(
                    self._raw.get(b"content-type", b""), self._raw.get(b"content-encoding", b"identity")
                )
                body = await self._body()
                return _remembered(body) if len(body) <= LARGEST_REMEMBERED else _operation(_json(body))
            case "GET":
                return _operation(_parts_in(self.parameters))
        raise HTTPException(405, "Send operations with POST, or queries with GET.", {"Allow": "GET, POST"})

    async def _body(self) -> bytes:
        """Reads no more of the body than it may have."""
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes.")
            if not message.get("more_body"):
                return bytes(body)


_known: Kept[bytes, Operation] = Kept(MOST_REMEMBERED)


def remembered(headers: Mapping[bytes, bytes], body: bytes) -> Operation | None:
    """Return the operation of a body that came before; `None` for others, and for what is to be refused."""
    operation = _known.get(body)
    if operation:
        try:
            _refuse_encoding(headers.get(b"content-type", b""), headers.get(b"content-encoding", b"identity"))
        except HTTPException:
            return None
    return operation


def _remembered(body: bytes) -> Operation:
    if (operation := _known.get(body)) is None:
        operation = _operation(_json(body))
        _known.put(body, operation, PER_OPERATION + bytes_of(body) + bytes_of(operation) + operation.size)
    return operation


def _operation(sent: object) -> Operation:
    if complaint := complaint_about_operation(sent):
        raise HTTPException(400, complaint)
    parts = cast("dict[str, Any]", sent)
    if complaint := complaint_about_length(parts["query"]):
        raise HTTPException(413, complaint)
    return Operation(
        query=parts["query"], variables=parts.get("variables"), operation_name=parts.get("operationName")
    )


def _parts_in(parameters: QueryParams) -> Mapping[str, Any]:
    """Of the parts of an operation those that are no text are JSON."""
    return {
        name: _json(text) if name in {"variables", "extensions"} and text else text
        for name, text in parameters.items()
    }


def _json(text: str | bytes) -> object:
    """JSON by the book: no duplicate meaning, no bare surrogates, no endless nesting."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"This is not JSON: {error}.") from error


def _refuse_encoding(content_type: bytes, content_encoding: bytes) -> None:
    short = len(content_type) <= LONGEST_REMEMBERED and len(content_encoding) <= LONGEST_REMEMBERED
    (_refuse_known if short else _refuse)(content_type, content_encoding)


def _refuse(content_type: bytes, content_encoding: bytes) -> None:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    if media_type.strip() != JSON:
        raise HTTPException(415, "Send the operation as JSON, with the Content-Type application/json.")
    charsets = (text.partition("=")[2] for text in parameters if text.strip().startswith("charset"))
    if not {charset.strip(' "') for charset in charsets} <= {"utf-8", "utf8"}:
        raise HTTPException(415, "Send the operation in UTF-8.")
    if content_encoding.decode("latin-1").lower() != "identity":
        raise HTTPException(415, "Send the operation without a Content-Encoding.")


_refuse_known = lru_cache(100)(_refuse)
