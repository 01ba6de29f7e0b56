"""GraphQL over HTTP, as its specification says; websockets are handed to `Sockets`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import strawberry
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from app.cqrs.circle import Circle
from app.cqrs.impersonal import outline
from app.cqrs.measured.sampling import place_in
from app.cqrs.measured.tracing import Tracing
from app.cqrs.viewers import ANONYMOUS, Viewer
from app.graphql.admission.budgets import Throttled
from app.graphql.admission.persisted import NOT_FOUND, Texts
from app.graphql.admission.turns import turns
from app.graphql.execution.context import TOKEN_HEADER, Context
from app.graphql.execution.operation import Operation
from app.graphql.execution.results import encoded, was_executed
from app.graphql.measured.measured import Measured
from app.graphql.measured.traffic import Traffic
from app.graphql.streaming.executing import Item, Operations
from app.graphql.streaming.streams import Streams
from app.graphql.transport.http_requests import GraphQLRequest, Requests, accept_body
from app.graphql.transport.media_types import JSON, Accepted
from app.graphql.transport.origins import Origins
from app.graphql.transport.responses.answer import TOKEN_HEADER_BYTES, Answer
from app.graphql.transport.responses.multipart import Multipart
from app.graphql.transport.responses.refused import Refusal, refused
from app.graphql.transport.responses.sse import ServerSentEvents
from app.graphql.transport.responses.streamed import Framing, StreamedResponse, only
from app.graphql.transport.senders.authentication import Authentication, Authenticator
from app.graphql.transport.senders.callers import (
    FORWARDED_FOR,
    CallerOf,
    Client,
    forwarded_for,
    nobody_counts,
)
from app.graphql.transport.sockets import Sockets

_EVENTS, _PARTS = ServerSentEvents(), Multipart()

Page = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


class ReadHeaders(NamedTuple):
    """The part of a request's headers that an answer at once depends on; equal headers are read once."""

    viewer: Callable[[], Viewer | None]
    """Returns the viewer at this moment; `None` if the token has to be verified, or refused."""
    tokens: str
    """The consistency tokens, separated by commas."""
    forwarded: bytes | None
    media_type: str
    place: str | None
    """The place in a trace from which the request comes."""


class GraphQLEndpoint:
    """The endpoint of a GraphQL schema; browsers that ask for a page get the playground.

    Without an authenticator, everybody may do everything.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        circle: Callable[[], Circle],
        playground: Page,
        *,
        authenticator: Authenticator | None,
        caller: CallerOf = nobody_counts,
        texts: Texts | None = None,
        allowed_origins: Sequence[str] = (),
        leaving: asyncio.Event | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._circle = circle
        self._caller = caller
        self._tracing = tracing
        texts = texts or Texts()
        self._requests = Requests(texts)
        self._leaving = leaving or asyncio.Event()
        self._origins = Origins(allowed_origins)
        self.operations = Operations(schema)
        self.traffic = Traffic()
        """The sockets and subscribers at this moment."""
        self._measured = Measured(self.operations.compiled.reads, self.traffic)
        self._streams = Streams(self.operations, self.traffic, tracing)
        self.authentication = Authentication(authenticator, allowed_origins)
        """The viewers of requests and sockets."""
        self._sockets = Sockets(
            circle,
            self._streams,
            self.authentication,
            texts=texts,
            caller=caller,
            measured=self._measured,
            allowed_origins=allowed_origins,
        )
        self._playground = playground

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in GraphQL's response format, even if the request is not valid GraphQL."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        request = GraphQLRequest(scope, receive)
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            # As clients of the older media type expect it, before they send the text as well.
            well = refusal.code == NOT_FOUND and request.accepted.json == JSON
            response = refused(refusal, request.accepted.json, 200 if well else refusal.status_code)
        except HTTPException as refusal:
            response = refused(refusal, request.accepted.json)
        except ClientDisconnect:
            return
        except Exception as fault:
            logger.error("A request failed: %s", outline(fault))
            internal = HTTPException(500, "Something went wrong on our side. Try again, or report this.")
            response = refused(internal, request.accepted.json)
        await response(scope, receive, send)

    def read_at_once(self, headers: Mapping[bytes, bytes]) -> ReadHeaders | None:
        """Return what `answer_at_once` needs of the headers; `None` if it can't answer."""
        accepted = Accepted.by(headers.get(b"accept", b""))
        if accepted.events_above_all or not accept_body(headers):
            return None
        return ReadHeaders(
            viewer=self.authentication.recalling(headers),
            tokens=headers.get(TOKEN_HEADER_BYTES, b"").decode("latin-1"),
            forwarded=headers.get(FORWARDED_FOR),
            media_type=accepted.json,
            place=place_in(headers.get(b"traceparent")),
        )

    def answer_at_once(self, headers: ReadHeaders, body: bytes, client: Client = None) -> Answer | None:
        """Return the cached answer to a POST request; `None` if the request may have to wait.

        The answer is the same as the one that the ASGI application would give.
        """
        operation = self._requests.cached(body)
        if operation is None:
            return None
        viewer = headers.viewer()
        if viewer is None:
            return None
        caller = self._caller(client, headers.forwarded)
        context = Context(
            self._circle(),
            viewer,
            sent_tokens=headers.tokens if operation.tokens is None else operation.tokens_with(headers.tokens),
            over_http=True,
            tells_token=operation.tokens is not None,
            caller=caller,
            measured=self._measured,
        )
        if not context.demand_sent_tokens_at_once():
            return None
        try:
            answer = self.operations.compiled.recall(operation, context)
        except Throttled:
            return None
        return Answer(answer, headers.media_type, context.token_to_return, 200) if answer else None

    async def _answer(self, request: GraphQLRequest) -> ASGIApp:
        accepted = request.accepted
        if request.method == "GET" and accepted.page_above_all and "query" not in request.parameters:
            return await self._playground(Request(request.scope))
        return await self._respond(request, await self._requests.operation(request))

    async def _respond(self, request: GraphQLRequest, operation: Operation) -> ASGIApp:
        with turns.operation():
            return await self._respond_in_turn(request, operation)

    async def _respond_in_turn(self, request: GraphQLRequest, operation: Operation) -> ASGIApp:
        accepted = request.accepted
        # The body may come slowly: a token that is revoked meanwhile counts no more.
        viewer = await self.authentication.of_request(request.credentials)
        caller = self._caller(request.scope.get("client"), forwarded_for(request.scope["headers"]))
        context = Context(
            self._circle(),
            viewer,
            sent_tokens=operation.tokens_with(request.tokens),
            over_http=True,
            tells_token=accepted.events_above_all or operation.tokens is not None,
            caller=caller,
            measured=self._measured,
        )
        try:
            is_post = request.method == "POST"
            if answer := await self.operations.compiled.answer(operation, context, mutations=is_post):
                return self._answered(answer, context, request)
        except Throttled as refusal:
            context.throttled = refusal
            spent = PreExecutionError(data=None, errors=[refusal])
            return self._answered(encoded(spent), context, request, _status(spent, context, accepted))
        context = context.for_operation()
        try:
            result = await self.operations.execute(operation, context, _allowed(request.method, accepted))
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is OperationType.SUBSCRIPTION:
                return self._subscribed(request, operation, context)
            raise HTTPException(405, "Send mutations with POST.", {"Allow": "POST"}) from wrong
        return self._answered(encoded(result), context, request, _status(result, context, accepted))

    def _answered(self, body: bytes, context: Context, request: GraphQLRequest, status: int = 200) -> ASGIApp:
        token, accepted = context.token_to_return, request.accepted
        if accepted.events_above_all:
            headers = {TOKEN_HEADER: token} if token else None
            return StreamedResponse(only(Item(body, None)), self._leaving, _EVENTS, headers=headers)
        answer = Answer(body, accepted.json, token, status)
        if request.method == "GET":
            answer.revalidate(request.if_none_match, is_public=context.viewer is ANONYMOUS)
        if context.throttled:
            answer.headers.append((b"retry-after", b"%d" % context.throttled.wait))
        return answer

    def _subscribed(
        self, request: GraphQLRequest, operation: Operation, context: Context
    ) -> StreamedResponse:
        if request.method == "GET" and not self._origins.allow(request.headers):
            raise HTTPException(
                403, "Pages of this origin may not subscribe. Add the origin to ALLOWED_ORIGINS."
            )
        viewer, caller = context.viewer, context.caller
        resumed = replace(operation, after=request.headers.get("last-event-id") or None)
        own = Context(
            self._circle(),
            viewer,
            sent_tokens=request.tokens,
            tells_token=True,
            caller=caller,
            measured=self._measured,
        )
        framing: Framing = _PARTS if request.accepted.multipart else _EVENTS
        watch = partial(self.authentication.watch, viewer)
        return StreamedResponse(self._streams.open(resumed, own), self._leaving, framing, watch=watch)


def _status(result: ExecutionResult, context: Context, accepted: Accepted) -> int:
    """Return the status of a result, which is always 200 for clients that expect the older media type."""
    if accepted.json == JSON or was_executed(result):
        return 200
    return 429 if context.throttled else 400


def _allowed(method: str, accepted: Accepted) -> set[OperationType]:
    """Return the operation types that are answered with JSON; subscriptions are among them to be refused."""
    types = {OperationType.QUERY}
    if method == "POST":
        types.add(OperationType.MUTATION)
    if not (accepted.events or accepted.multipart):
        types.add(OperationType.SUBSCRIPTION)
    return types
