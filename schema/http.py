"""GraphQL over HTTP, after the specification of that name; websockets are passed on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from app.cqrs.circle import Circle
from schema.compiled.answers import Compiled
from schema.context import TOKEN_HEADER, Context
from schema.executing import Item, Operation, complaint_about_operation
from schema.media_types import JSON, Accepted
from schema.origins import Origins
from schema.results import encoded, was_executed
from schema.root import schema
from schema.sockets import Sockets
from schema.sse import EventStream, only
from schema.streams import Streams

LARGEST_BODY = 1_000_000
"""Bytes of a request's body, and of a websocket message."""

compiled = Compiled(schema)
"""For queries that come again."""

Page = Callable[[Request], Awaitable[Response]]


class GraphQLEndpoint:
    """The GraphQL endpoint; browsers that ask for a page get the playground."""

    def __init__(
        self,
        circle: Callable[[], Circle],
        playground: Page,
        *,
        allowed_origins: Sequence[str] = (),
        leaving: asyncio.Event | None = None,
    ) -> None:
        self._circle = circle
        self._leaving = leaving or asyncio.Event()
        self._origins = Origins(allowed_origins)
        self._streams = Streams()
        self._sockets = Sockets(circle, self._streams, allowed_origins=allowed_origins)
        self._playground = playground

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with GraphQL's own shape, also where the request is no GraphQL."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        request = Request(scope, receive)
        accepted = Accepted.by(request.headers.getlist("accept"))
        try:
            response: ASGIApp = await self._answer(request, accepted)
        except HTTPException as refusal:
            response = refused(refusal, accepted.json)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, accepted: Accepted) -> ASGIApp:
        if request.method == "GET" and "query" not in request.query_params and accepted.page_above_all:
            return await self._playground(request)
        operation = await _operation_in(request)
        response = Response(media_type=accepted.json, headers={"Vary": "Accept"})
        context = Context(circle=self._circle(), headers=request.headers, response=response)
        if answer := await compiled.answer(
            operation.query, operation.operation_name, operation.variables, context
        ):
            return self._answered(answer, response, accepted)
        try:
            result = await schema.execute(
                operation.query,
                variable_values=dict(operation.variables or {}),
                operation_name=operation.operation_name,
                context_value=context,
                allowed_operation_types=_allowed(request.method, accepted),
            )
        except CannotGetOperationTypeError as unknown:
            raise HTTPException(400, unknown.as_http_error_reason()) from unknown
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is OperationType.SUBSCRIPTION:
                return self._subscribed(request, operation)
            raise HTTPException(405, "Send mutations with POST.", {"Allow": "POST"}) from wrong
        if accepted.json != JSON and not was_executed(result):
            response.status_code = 400
        return self._answered(encoded(result), response, accepted)

    def _answered(self, body: bytes, response: Response, accepted: Accepted) -> ASGIApp:
        if accepted.events_above_all:
            tokens = {TOKEN_HEADER: token} if (token := response.headers.get(TOKEN_HEADER)) else None
            return EventStream(only(Item(body, None)), self._leaving, headers=tokens)
        response.body = body
        response.headers["Content-Length"] = str(len(body))
        return response

    def _subscribed(self, request: Request, operation: Operation) -> EventStream:
        if request.method == "GET" and not self._origins.welcome(request.headers):
            raise HTTPException(403, "This origin may not subscribe; allow it with ALLOWED_ORIGINS.")
        resumed = replace(operation, after=request.headers.get("last-event-id") or None)
        context = Context(circle=self._circle(), headers=request.headers)
        items = self._streams.open(resumed, context)
        return EventStream(items, self._leaving)


def refused(refusal: HTTPException, media_type: str = JSON) -> Response:
    """The answer to a request that is none of GraphQL, in the shape that clients of GraphQL know."""
    code = {403: "FORBIDDEN", 404: "NOT_FOUND"}.get(refusal.status_code, "BAD_REQUEST")
    body = {"errors": [{"message": refusal.detail, "extensions": {"code": code}}]}
    headers = {"Vary": "Accept", **(refusal.headers or {})}
    return Response(orjson.dumps(body), refusal.status_code, headers, media_type)


def _allowed(method: str, accepted: Accepted) -> set[OperationType]:
    """The types of operation that are answered with JSON; a subscription only to be refused."""
    types = {OperationType.QUERY}
    if method == "POST":
        types.add(OperationType.MUTATION)
    if not accepted.events:
        types.add(OperationType.SUBSCRIPTION)
    return types


async def _operation_in(request: Request) -> Operation:
    """The operation in the query string or the body; refuses what is none."""
    match request.method:
        case "GET":
            sent: object = _operation_in_url(request.query_params)
        case "POST":
            _refuse_encoding(request.headers)
            sent = _json(await _body(request))
        case _:
            raise HTTPException(
                405, "Send operations with POST, or queries with GET.", {"Allow": "GET, POST"}
            )
    if complaint := complaint_about_operation(sent):
        raise HTTPException(400, complaint)
    parts = cast("dict[str, Any]", sent)
    return Operation(
        query=parts["query"], variables=parts.get("variables"), operation_name=parts.get("operationName")
    )


def _operation_in_url(parameters: QueryParams) -> dict[str, Any]:
    """Of the parts of an operation those that are no text are JSON."""
    return {
        name: _json(text) if name in {"variables", "extensions"} and text else text
        for name, text in parameters.items()
    }


async def _body(request: Request) -> bytes:
    """Reads no more of the body than it may have."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes.")
    return bytes(body)


def _json(text: str | bytes) -> object:
    """JSON by the book: no duplicate meaning, no bare surrogates, no endless nesting."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"This is not JSON: {error}.") from error


def _refuse_encoding(headers: Mapping[str, str]) -> None:
    content_type, *parameters = headers.get("content-type", "").lower().split(";")
    if content_type.strip() != JSON:
        raise HTTPException(415, "Send the operation as JSON, with the Content-Type application/json.")
    charsets = (text.partition("=")[2] for text in parameters if text.strip().startswith("charset"))
    if not {charset.strip(' "') for charset in charsets} <= {"utf-8", "utf8"}:
        raise HTTPException(415, "Send the operation in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send the operation without a Content-Encoding.")
