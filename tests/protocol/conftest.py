import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.config import Settings
from app.cqrs.circle import Circle
from app.graphql.streaming.executing import Operations
from app.graphql.streaming.streams import Streams
from app.graphql.transport.senders.authentication import Authentication
from app.graphql.transport.sockets import INIT_PATIENCE, READ_PATIENCE, Sockets
from app.server.connections.websockets import Connection
from schema.root import schema
from tests.inprocess import Service, serving


@pytest.fixture(scope="session")
async def service(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("service"), mongodb_url=mongo_url, mongodb_database="protocol"
    )
    async with serving(settings) as running:
        yield running


@asynccontextmanager
async def sockets(
    circle: Circle, *, init_patience: timedelta = INIT_PATIENCE, read_patience: timedelta = READ_PATIENCE
) -> AsyncIterator[str]:
    """The URL of a server of the same circle, with its own patience, and small buffers."""
    endpoint = Sockets(
        lambda: circle,
        Streams(Operations(schema)),
        Authentication(None),
        init_patience=init_patience,
        read_patience=read_patience,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await endpoint(scope, receive, send)

    config = uvicorn.Config(
        app, log_config=None, lifespan="off", log_level="warning", ws=Connection, ws_max_size=1_000_000
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            yield f"ws://127.0.0.1:{listening.getsockname()[1]}/graphql"
        finally:
            await server.shutdown(sockets=[listening])
