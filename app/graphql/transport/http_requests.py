"""HTTP requests and the operations in them; a request without a valid operation is refused."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, cast

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.cqrs.memory.bounded_cache import BoundedCache
from app.cqrs.memory.sizes import bytes_of
from app.graphql.admission.persisted import NotAccepted, Texts
from app.graphql.admission.turns import LARGE_JSON, turns
from app.graphql.execution.context import TOKEN_HEADER
from app.graphql.execution.operation import Operation, problem_with_operation
from app.graphql.transport.joined_headers import by_name
from app.graphql.transport.media_types import JSON, LONGEST_CACHED, Accepted
from app.graphql.transport.responses.refused import Refusal
from app.graphql.transport.sent import operation_in

LARGEST_BODY = 1_000_000
"""Largest size, in bytes, of a request's body and of a websocket message."""

LARGEST_DROPPED = 4_000_000
"""Size, in bytes, up to which a body that is too large is read before it is refused."""

LARGEST_CACHED, MOST_CACHED = 2_000, 4_000_000
"""Bytes of one body that may be cached with its operation, and of the whole cache.

Clients repeat their queries. An operation may take 30 times as much memory as its body.
"""

PER_OPERATION = 1_000
"""Bytes that an operation takes besides its text, its variables and its key."""

_TOKEN_HEADER = TOKEN_HEADER.lower().encode()


class GraphQLRequest:
    """An HTTP request that should contain an operation."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        self._raw = by_name(scope["headers"])
        self.accepted = Accepted.by(self._raw.get(b"accept", b""))

    @property
    def tokens(self) -> str:
        """The consistency tokens in the header, separated by commas."""
        return self._raw.get(_TOKEN_HEADER, b"").decode("latin-1")

    @property
    def traceparent(self) -> bytes:
        """The place in a trace from which the request comes, as the client writes it; empty without one."""
        return self._raw.get(b"traceparent", b"")

    @property
    def if_none_match(self) -> bytes:
        """The tags of the answers that the client has; empty without the header."""
        return self._raw.get(b"if-none-match", b"")

    @property
    def credentials(self) -> Mapping[bytes, bytes]:
        """The headers that may hold a token; several of one name are joined, so that none of them counts."""
        return self._raw

    @property
    def headers(self) -> Headers:
        """The headers of the request."""
        return Headers(scope=self.scope)

    @cached_property
    def parameters(self) -> QueryParams:
        """The parameters in the query string."""
        return QueryParams(self.scope["query_string"])

    async def body(self) -> bytes:
        """Read the body; raise `HTTPException` if it is too large or no JSON, and `ClientDisconnect`."""
        _refuse_encoding(self._raw.get(b"content-type", b""), self._raw.get(b"content-encoding", b"identity"))
        return await self._body()

    async def _body(self) -> bytes:
        """Read the body; raise `HTTPException` if it is too large.

        What is too large is read on up to a limit, and dropped: if the connection were closed while the
        client still sends, it might not see the refusal.
        """
        body, length = bytearray(), 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            length += len(part)
            if length <= LARGEST_BODY:
                body += part
            more = message.get("more_body")
            if length > LARGEST_DROPPED or (length > LARGEST_BODY and not more):
                raise HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes. Send less.")
            if not more:
                return bytes(body)


class Requests:
    """The operations in the bodies and query strings of one endpoint's requests."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: BoundedCache[bytes, Operation] = BoundedCache(MOST_CACHED)

    def cached(self, body: bytes) -> Operation | None:
        """Return the cached operation of a body whose headers `accept_body` accepts; `None` without one."""
        return self._known.get(body)

    async def operation(self, request: GraphQLRequest) -> Operation:
        """Return the operation in the query string or the body of a request.

        Raise `HTTPException` if there is none, and `ClientDisconnect`.
        """
        match request.method:
            case "POST":
                body = await request.body()
                if len(body) > LARGE_JSON:
                    await turns.take()
                return self._in_body(body) if len(body) <= LARGEST_CACHED else self._operation(_json(body))
            case "GET":
                return self._operation(_parts_in(request.parameters))
        raise HTTPException(
            405,
            f"The method {request.method} is not allowed. Use POST, or GET for queries.",
            {"Allow": "GET, POST"},
        )

    def _in_body(self, body: bytes) -> Operation:
        if (operation := self._known.get(body)) is None:
            operation = self._operation(_json(body))
            size = PER_OPERATION + bytes_of(body) + bytes_of(operation) + operation.size
            self._known.put(body, operation, size)
        return operation

    def _operation(self, sent: object) -> Operation:
        if problem := problem_with_operation(sent):
            raise HTTPException(400, problem)
        parts = cast("dict[str, Any]", sent)
        try:
            return operation_in(parts, self._texts)
        except NotAccepted as refusal:
            status = 413 if refusal.code == "LIMIT_EXCEEDED" else 400
            raise Refusal(status, str(refusal), refusal.code) from refusal


def accept_body(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the headers say that the body is JSON in UTF-8."""
    try:
        _refuse_encoding(headers.get(b"content-type", b""), headers.get(b"content-encoding", b"identity"))
    except HTTPException:
        return False
    return True


def _parts_in(parameters: QueryParams) -> Mapping[str, Any]:
    """Return the parts of an operation in a query string; `variables` and `extensions` are parsed as JSON."""
    return {
        name: _json(text) if name in {"variables", "extensions"} and text else text
        for name, text in parameters.items()
    }


def _json(text: str | bytes) -> object:
    """Parse strict JSON: without lone surrogates, and with limited nesting; raise `HTTPException`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"This is not JSON: {error}.") from error


def _refuse_encoding(content_type: bytes, content_encoding: bytes) -> None:
    short = len(content_type) <= LONGEST_CACHED and len(content_encoding) <= LONGEST_CACHED
    (_refuse_known if short else _refuse)(content_type, content_encoding)


def _refuse(content_type: bytes, content_encoding: bytes) -> None:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    if media_type.strip() != JSON:
        raise HTTPException(415, "The Content-Type is not application/json. Send the operation as JSON.")
    charsets = (text.partition("=")[2] for text in parameters if text.strip().startswith("charset"))
    if not {charset.strip(' "') for charset in charsets} <= {"utf-8", "utf8"}:
        raise HTTPException(415, "The charset is not UTF-8. Send the operation in UTF-8.")
    if content_encoding.decode("latin-1").lower() != "identity":
        raise HTTPException(415, "The body is compressed. Send it without a Content-Encoding.")


_refuse_known = lru_cache(100)(_refuse)
