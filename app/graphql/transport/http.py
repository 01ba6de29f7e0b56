"""GraphQL over HTTP, after the specification of that name; websockets are passed on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import strawberry
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from app.cqrs.circle import Circle
from app.cqrs.impersonal import outline
from app.graphql.execution.context import TOKEN_HEADER, Context
from app.graphql.execution.requested import Operation
from app.graphql.execution.results import encoded, was_executed
from app.graphql.transport.executing import Item, Operations
from app.graphql.transport.http_requests import Asked, remembered
from app.graphql.transport.media_types import JSON, Accepted
from app.graphql.transport.origins import Origins
from app.graphql.transport.refused import refused
from app.graphql.transport.sockets import Sockets
from app.graphql.transport.sse import EventStream, only
from app.graphql.transport.streams import Streams

_TOKEN_HEADER = TOKEN_HEADER.lower().encode()

Page = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


class Answer:
    """The response with an answer in JSON, and its token."""

    def __init__(self, body: bytes, media_type: str, token: str | None, status: int) -> None:
        self.body = body
        self._status = status
        self.headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"vary", b"Accept"),
        ]
        if token:
            self.headers.append((_TOKEN_HEADER, token.encode()))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends all of it at once."""
        await send({"type": "http.response.start", "status": self._status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class GraphQLEndpoint:
    """The endpoint of a GraphQL schema; browsers that ask for a page get the playground."""

    def __init__(
        self,
        schema: strawberry.Schema,
        circle: Callable[[], Circle],
        playground: Page,
        *,
        allowed_origins: Sequence[str] = (),
        leaving: asyncio.Event | None = None,
    ) -> None:
        self._circle = circle
        self._leaving = leaving or asyncio.Event()
        self._origins = Origins(allowed_origins)
        self.operations = Operations(schema)
        self._streams = Streams(self.operations)
        self._sockets = Sockets(circle, self._streams, allowed_origins=allowed_origins)
        self._playground = playground

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with GraphQL's own shape, also where the request is no GraphQL."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        asked = Asked(scope, receive)
        try:
            response = await self._answer(asked)
        except HTTPException as refusal:
            response = refused(refusal, asked.accepted.json)
        except ClientDisconnect:
            return
        except Exception as fault:
            logger.error("A request failed: %s", outline(fault))
            internal = HTTPException(500, "Something went wrong on our side. Try again, or report this.")
            response = refused(internal, asked.accepted.json)
        await response(scope, receive, send)

    def answer_at_once(self, headers: Mapping[bytes, bytes], body: bytes) -> Answer | None:
        """Return the answer to a POST request that is remembered; `None` for one that may have to wait.

        It is the answer that the request would be given as an ASGI application.
        """
        operation = remembered(headers, body)
        if operation is None:
            return None
        accepted = Accepted.by(headers.get(b"accept", b""))
        if accepted.events_above_all:
            return None
        asked = headers.get(_TOKEN_HEADER, b"").decode("latin-1")
        context = Context(self._circle(), asked=asked, over_http=True)
        if not context.demand_at_once():
            return None
        answer = self.operations.compiled.recall(operation, context)
        return Answer(answer, accepted.json, context.token_to_return, 200) if answer else None

    async def _answer(self, asked: Asked) -> ASGIApp:
        accepted = asked.accepted
        if asked.method == "GET" and accepted.page_above_all and "query" not in asked.parameters:
            return await self._playground(Request(asked.scope))
        operation = await asked.operation()
        context = Context(self._circle(), asked=asked.tokens, over_http=True)
        if answer := await self.operations.compiled.answer(operation, context):
            return self._answered(answer, context, accepted)
        context = context.for_operation()
        try:
            result = await self.operations.execute(operation, context, _allowed(asked.method, accepted))
        except CannotGetOperationTypeError as unknown:
            raise HTTPException(400, unknown.as_http_error_reason()) from unknown
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is OperationType.SUBSCRIPTION:
                return self._subscribed(asked, operation)
            raise HTTPException(405, "Send mutations with POST.", {"Allow": "POST"}) from wrong
        status = 400 if accepted.json != JSON and not was_executed(result) else 200
        return self._answered(encoded(result), context, accepted, status)

    def _answered(self, body: bytes, context: Context, accepted: Accepted, status: int = 200) -> ASGIApp:
        token = context.token_to_return
        if accepted.events_above_all:
            headers = {TOKEN_HEADER: token} if token else None
            return EventStream(only(Item(body, None)), self._leaving, headers=headers)
        return Answer(body, accepted.json, token, status)

    def _subscribed(self, asked: Asked, operation: Operation) -> EventStream:
        if asked.method == "GET" and not self._origins.welcome(asked.headers):
            raise HTTPException(403, "This origin may not subscribe; allow it with ALLOWED_ORIGINS.")
        resumed = replace(operation, after=asked.headers.get("last-event-id") or None)
        items = self._streams.open(resumed, Context(self._circle(), asked=asked.tokens))
        return EventStream(items, self._leaving)


def _allowed(method: str, accepted: Accepted) -> set[OperationType]:
    """The types of operation that are answered with JSON; a subscription only to be refused."""
    types = {OperationType.QUERY}
    if method == "POST":
        types.add(OperationType.MUTATION)
    if not accepted.events:
        types.add(OperationType.SUBSCRIPTION)
    return types
