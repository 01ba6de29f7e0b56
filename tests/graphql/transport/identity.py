"""A schema that says who asks, served with tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import strawberry
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from app.graphql.execution.context import Info
from app.graphql.transport.http import GraphQLEndpoint
from app.graphql.transport.senders.cookie_exchange import CookieExchange
from tests.inprocess import Service, serving_app
from tests.known_tokens import KnownTokens


def _said(info: Info) -> str:
    return f"{info.context.viewer.actor} {info.context.viewer.scope}"


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: Info) -> str:
        return _said(info)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def me(self, info: Info) -> AsyncIterator[str]:
        yield _said(info)

    @strawberry.subscription
    async def watch(self, info: Info) -> AsyncIterator[str]:
        yield _said(info)
        await asyncio.Event().wait()


ME, FOLLOW, WATCH = "{ me }", "subscription { me }", "subscription { watch }"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def serving_identity(service: Service, tokens: KnownTokens, *origins: str) -> AsyncIterator[str]:
    """Yields the address, without the scheme, of the endpoint."""

    async def no_page(_request: Any) -> Response:
        return Response()

    schema = strawberry.Schema(Query, subscription=Subscription)
    endpoint = GraphQLEndpoint(
        schema, lambda: service.circle, no_page, authenticator=tokens, allowed_origins=origins
    )
    exchange = CookieExchange(endpoint.authentication, "/graphql")
    routes = [
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
        Route("/graphql/session", exchange),
    ]
    async with serving_app(Starlette(routes=routes)) as port:
        yield f"127.0.0.1:{port}/graphql"


async def post(url: str, query: str = ME, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.post(f"http://{url}", json={"query": query}, headers=headers)


@asynccontextmanager
async def socket_with(url: str, payload: Any = None, **headers: str) -> AsyncIterator[ClientConnection]:
    """A socket that has sent `connection_init`, whose answer is still to come."""
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{url}", subprotocols=protocols, additional_headers=headers) as socket:
        await send(socket, {"type": "connection_init", "payload": payload})
        yield socket


async def over_socket(url: str, payload: Any = None, **headers: str) -> dict[str, Any]:
    """The answer over a socket; raises `ConnectionClosed`."""
    async with socket_with(url, payload, **headers) as socket:
        await send(socket, {"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}})
        assert (await received(socket))["type"] == "connection_ack"
        return await received(socket)


async def send(socket: ClientConnection, message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def received(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        message: dict[str, Any] = orjson.loads(await socket.recv())
    return message
