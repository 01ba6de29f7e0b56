"""A service within the test's own process: real sockets and stores, and its inside within reach."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn

from app.command_line.connections import Connection
from app.config import Settings
from app.cqrs.circle import Circle
from app.main import create_app
from tests.schema.client import Client


@dataclass(frozen=True)
class Service:
    """A running service: its client, and the circle inside."""

    client: Client
    circle: Circle


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Service]:
    """Serves on a free port until the block ends."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        ws=Connection,
        ws_max_size=1_000_000,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Without the protocol asyncio can't tell that this is TCP, and leaves Nagle's delay on.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with httpx.AsyncClient(timeout=20) as http:
                yield Service(Client(url, http), app.state.circle)
        finally:
            await server.shutdown(sockets=[listening])
