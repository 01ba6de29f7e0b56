"""How an event stream ends: with who reads nothing, with who leaves, and with a fault of our own."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.graphql.streaming.executing import Item
from app.graphql.transport.responses.sse import ServerSentEvents
from app.graphql.transport.responses.streamed import StreamedResponse
from app.server.connections import GRACE
from app.server.http_connections import HTTPConnection
from tests.inprocess import serving_app
from tests.schema.events import COMPLETE, Events


class Impatient(HTTPConnection):
    read_patience = 0.3


@asynccontextmanager
async def serving_items(
    items: AsyncGenerator[Item, None], leaving: asyncio.Event | None = None
) -> AsyncIterator[int]:
    """Serves one stream on the port that is given."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        stopping = leaving or asyncio.Event()
        await StreamedResponse(items, stopping, ServerSentEvents())(scope, receive, send)

    http = Impatient if leaving is None else HTTPConnection
    async with serving_app(app, http=http, lifespan="off", timeout_graceful_shutdown=GRACE) as port:
        yield port


@pytest.mark.campaign
async def test_who_reads_nothing_is_cut_off_and_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    """The machine's own buffers hold some megabytes of an endless stream, and no more is ever made."""
    made, ended = 0, asyncio.Event()

    async def endless() -> AsyncGenerator[Item, None]:
        nonlocal made
        try:
            while True:
                made += 1
                yield Item(b"x" * 100_000, None)
                await asyncio.sleep(0)  # as one does who waits for what is next
        finally:
            ended.set()

    async with serving_items(endless()) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await ended.wait()
        assert made < 200
        unread = await reader.read()
        assert not unread.endswith(b"\r\n0\r\n\r\n")  # no end that looks like a good one
        writer.close()
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_the_service_ends_also_where_nothing_is_read(caplog: pytest.LogCaptureFixture) -> None:
    """The last words to a client that does not read would wait for ever."""
    leaving, ended, made = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[Item, None]:
        try:
            while True:
                made.set()
                yield Item(b"x" * 10_000_000, None)
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with asyncio.timeout(60):
        async with serving_items(endless(), leaving) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await made.wait()
            leaving.set()
        await ended.wait()
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

    async with serving_items(quiet()) as port, asyncio.timeout(60):
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
