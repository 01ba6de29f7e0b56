"""GraphQL over HTTP and websockets: what comes in is checked before the library sees it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

from app.cqrs.circle import Circle
from schema.context import Context
from schema.root import schema

LARGEST_BODY = 1_000_000
"""Bytes of a request's body, and of a websocket message."""

LONGEST_REASON = 123
"""Bytes of the reason in a websocket's close frame (RFC 6455)."""

INIT_PATIENCE = timedelta(seconds=10)
"""How long a socket may stay open without `connection_init`."""

Page = Callable[[Request], Awaitable[Response]]


class _Sockets(BaseGraphQLTransportWSHandler[Context, None]):
    """Closes a socket with 4400 and the reason where a message is not what the protocol has."""

    async def handle_message(self, message: Message) -> None:
        if complaint := _complaint_about_message(message):
            await self.handle_invalid_message(complaint)
        else:
            await super().handle_message(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs our own faults, but no client that has gone while something was sent to it."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    @staticmethod
    def _get_pre_execution_close_reason(_error: GraphQLError) -> str | None:
        """One bad operation is an error of its own, and leaves the socket to the others."""
        return None


class _Socket(ASGIWebSocketAdapter):
    """Cuts reasons to what a close frame holds."""

    async def close(self, code: int, reason: str) -> None:
        await super().close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))


class _Request(StarletteRequestAdapter):
    """Reads no more of a body than it may have."""

    async def get_body(self) -> bytes:
        body = bytearray()
        async for chunk in self._request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes.")
        return bytes(body)


class GraphQLEndpoint(GraphQL[Context, None]):
    """The GraphQL endpoint; browsers that ask for a page get the playground."""

    request_adapter_class = _Request
    websocket_adapter_class = _Socket
    graphql_transport_ws_handler_class = _Sockets

    def __init__(
        self,
        circle: Callable[[], Circle],
        playground: Page,
        *,
        allowed_origins: Sequence[str] = (),
        init_patience: timedelta = INIT_PATIENCE,
    ) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=init_patience,
            allowed_origins=allowed_origins,
        )
        self._circle = circle
        self._playground = playground

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with GraphQL's own shape, also where the request is no GraphQL."""
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        try:
            response = await self.run(Request(scope, receive=receive))
        except HTTPException as refusal:
            response = _refusal(refusal.status_code, refusal.reason)
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The circle, the client's headers, and where the response's own headers go."""
        http_response = response if isinstance(response, Response) else None
        return Context(circle=self._circle(), headers=request.headers, response=http_response)

    async def render_graphql_ide(self, request: Request) -> Response:
        """The playground."""
        return await self._playground(request)

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        """The operation in the query string or the body; refuses what is none."""
        if request.method == "GET":
            sent: object = self.parse_query_params(request.query_params)
        else:
            _refuse_encoding(request.headers)
            sent = self.parse_json(await request.get_body())
        if complaint := _complaint_about_operation(sent):
            raise HTTPException(400, complaint)
        operation = cast("dict[str, Any]", sent)
        return GraphQLRequestData(
            query=operation.get("query"),
            variables=operation.get("variables"),
            operation_name=operation.get("operationName"),
            extensions=operation.get("extensions"),
            protocol="http",
        )

    def decode_json(self, data: str | bytes) -> object:
        """JSON by the book: no duplicate meaning, no bare surrogates, no endless nesting."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """Text, because sockets must send text frames: browsers can't parse binary ones."""
        return orjson.dumps(data).decode()


def _refusal(status: int, reason: str) -> Response:
    body = {"errors": [{"message": reason, "extensions": {"code": "BAD_REQUEST"}}]}
    headers = {"Allow": "GET, POST"} if status == 405 else None
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def _refuse_encoding(headers: Mapping[str, str]) -> None:
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise HTTPException(415, "Send the operation as JSON, with the Content-Type application/json.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send the operation without a Content-Encoding.")


def _complaint_about_operation(sent: object) -> str | None:
    """Why this is no operation: each of its parts has one type."""
    if not isinstance(sent, dict):
        return "Send one JSON object with query, variables and operationName."
    if not isinstance(sent.get("query"), str) or not sent["query"].strip():
        return "query must be a string with an operation."
    for part in ("variables", "extensions"):
        if not isinstance(sent.get(part), dict | None):
            return f"{part} must be an object or null."
    if not isinstance(sent.get("operationName"), str | None):
        return "operationName must be a string or null."
    return None


def _complaint_about_message(message: object) -> str | None:
    """Why this is no message of graphql-transport-ws."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    if not isinstance(message.get("payload", {}), dict | None) and message["type"] != "error":
        return "A payload is an object"
    if message["type"] in {"subscribe", "complete"} and not (
        isinstance(message.get("id"), str) and message["id"]
    ):
        return "An id is a string that is not empty"
    if message["type"] == "subscribe":
        return _complaint_about_operation(message.get("payload"))
    return None
