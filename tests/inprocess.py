"""A service within the test's own process: real sockets and stores, and its inside within reach."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from app.config import Settings
from app.cqrs.circle import Circle
from app.graphql.streaming.executing import Operations
from app.graphql.transport.http_requests import LARGEST_BODY
from app.graphql.transport.senders.authentication import Authenticator
from app.main import create_app
from app.server.connections.http import HTTPConnection
from app.server.connections.websockets import Connection
from tests.schema.client import Client


@dataclass(frozen=True)
class Service:
    """A running service: its client, and the circle inside."""

    client: Client
    circle: Circle
    operations: Operations


@asynccontextmanager
async def serving(settings: Settings, authenticator: Authenticator | None = None) -> AsyncIterator[Service]:
    """Serves on a free port until the block ends."""
    app = create_app(settings, authenticator=authenticator)
    async with serving_app(app) as port, httpx.AsyncClient(timeout=20) as http:
        yield Service(Client(f"http://127.0.0.1:{port}", http), app.state.circle, app.state.operations)


@asynccontextmanager
async def serving_app(
    app: ASGIApp, *, http: type[HTTPConnection] = HTTPConnection, **options: Any
) -> AsyncIterator[int]:
    """Serves any application, on the port that is given, with the connections of the service."""
    # uvicorn's own configuration would keep its loggers from pytest's.
    given: dict[str, Any] = {"log_config": None, "log_level": "warning", "timeout_graceful_shutdown": 1}
    given |= options
    config = uvicorn.Config(
        app,
        http=http,
        ws=Connection,
        ws_max_size=LARGEST_BODY,
        proxy_headers=False,
        access_log=False,
        **given,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Without the protocol asyncio can't tell that this is TCP, and leaves Nagle's delay on.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            yield listening.getsockname()[1]
        finally:
            await server.shutdown(sockets=[listening])
