"""How an event stream ends: with who reads nothing, with who leaves, and with a fault of our own."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from schema.executing import Item
from schema.sse import EventStream
from tests.schema.events import COMPLETE, Events


@asynccontextmanager
async def serving_items(
    items: AsyncGenerator[Item, None], *, read_patience: float = 30
) -> AsyncIterator[int]:
    """Serves one stream on the port that is given."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(items, asyncio.Event(), read_patience=read_patience)(scope, receive, send)

    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listening])
        try:
            yield listening.getsockname()[1]
        finally:
            await server.shutdown(sockets=[listening])


async def test_who_reads_nothing_is_cut_off_and_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    """The machine's own buffers hold some megabytes of an endless stream, and no more is ever made."""
    made, ended = 0, asyncio.Event()

    async def endless() -> AsyncGenerator[Item, None]:
        nonlocal made
        try:
            while True:
                made += 1
                yield Item(b"x" * 100_000, None)
        finally:
            ended.set()

    async with serving_items(endless(), read_patience=0.3) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await ended.wait()
        assert made < 200
        unread = await reader.read()
        assert not unread.endswith(b"\r\n0\r\n\r\n")  # no end that looks like a good one
        writer.close()
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_who_leaves_ends_the_subscription_at_once() -> None:
    ended = asyncio.Event()

    async def quiet() -> AsyncGenerator[Item, None]:
        try:
            yield Item(b"{}", None)
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving_items(quiet()) as port, asyncio.timeout(10):
        async with httpx.AsyncClient() as http, http.stream("GET", f"http://127.0.0.1:{port}") as response:
            await Events(response).next()
        await ended.wait()


async def test_a_fault_of_our_own_is_an_error_that_says_nothing_of_its_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def faulty() -> AsyncGenerator[Item, None]:
        yield Item(b"{}", None)
        raise RuntimeError("password=hunter2")

    async with (
        serving_items(faulty()) as port,
        httpx.AsyncClient() as http,
        http.stream("GET", f"http://127.0.0.1:{port}") as response,
    ):
        _, failed, complete = await Events(response).rest()
    assert failed.result["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert complete == COMPLETE
    assert "hunter2" not in failed.data
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text
