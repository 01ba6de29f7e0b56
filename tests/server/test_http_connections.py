"""A client takes no more memory and time than it is given, whatever it sends, and whether or not it reads."""

import asyncio
import gc
import logging
import socket
import weakref
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from signal import SIGTERM
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.graphql.transport.http_requests import LARGEST_BODY, GraphQLRequest
from app.graphql.transport.responses.refused import refused
from app.server.connections.http import MOST_HEADERS, HTTPConnection
from app.server.connections.limit import most_connections
from app.server.logs import is_fault
from tests.inprocess import serving_app
from tests.server.few_files import FILES
from tests.service import running

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Impatient(HTTPConnection):
    request_patience = 0.3
    read_patience = 0.3
    idle_patience = 0.3


class Desk:
    """An application whose answers wait until it is opened, and which knows how many requests have begun."""

    def __init__(self, body: bytes = b"hello", *, is_open: bool = True) -> None:
        self.body = body
        self.begun, self.ended = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.opened = asyncio.Event()
        if is_open:
            self.opened.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.release()
        try:
            if scope["type"] == "websocket":
                await send({"type": "websocket.accept"})
                while (await receive())["type"] != "websocket.disconnect":
                    pass
                return
            while (message := await receive()).get("more_body"):
                pass
            if message["type"] == "http.disconnect":
                return
            await self.opened.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.body})
        finally:
            self.ended.release()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.transport.abort()


async def answer_to(port: int, sent: bytes) -> bytes:
    async with connected(port) as (reader, writer):
        writer.write(sent)
        return await reader.read()


def status_of(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


def refusal_in(answer: bytes) -> str:
    """The message of a refusal, which is in the shape of GraphQL."""
    [error] = orjson.loads(answer.partition(b"\r\n\r\n")[2])["errors"]
    message: str = error["message"]
    return message


ENDLESS = {
    "a header line": (GET + b"X: ", b"x" * 1000),
    "a header name": (GET, b"x" * 1000),
    "headers": (GET, b"X: x\r\n" * 200),
    "a path": (b"GET /", b"x" * 1000),
    "trailers": (CHUNKED + b"1\r\na\r\n0\r\n", b"X: x\r\n" * 200),
    "a trailer": (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"x" * 1000),
}


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads a body as the endpoint does."""
    try:
        await GraphQLRequest(scope, receive).body()
    except HTTPException as refusal:
        await refused(refusal)(scope, receive, send)


TOO_LARGE = "The body is larger than 1,000,000 bytes. Send less."


@pytest.mark.parametrize(
    ("length", "media_type", "status", "reason"),
    [
        (3 * LARGEST_BODY, b"application/json", 413, TOO_LARGE),
        (30 * LARGEST_BODY, b"application/json", 413, TOO_LARGE),
        (
            3 * LARGEST_BODY,
            b"text/plain",
            415,
            "The Content-Type is not application/json. Send the operation as JSON.",
        ),
    ],
)
async def test_who_still_sends_a_body_sees_why_it_is_refused(
    length: int, media_type: bytes, status: int, reason: str
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: " + media_type
    async with serving_app(reading, lifespan="off") as port, connected(port) as (reader, writer):
        writer.write(head + b"\r\nContent-Length: %d\r\n\r\n" % length)
        for _ in range(30):
            writer.write(b" " * (length // 30))
            await writer.drain()
        answer = await reader.read()
    assert (status_of(answer), refusal_in(answer)) == (status, reason)


@pytest.mark.parametrize("name", ENDLESS)
async def test_headers_without_an_end_are_refused_at_64_kb(name: str) -> None:
    begin, more = ENDLESS[name]
    sent = len(begin)
    async with serving_app(Desk(), lifespan="off") as port, connected(port) as (reader, writer):
        writer.write(begin)
        answering = asyncio.create_task(reader.read())
        while not answering.done():
            writer.write(more)
            sent += len(more)
            await asyncio.wait([answering], timeout=0.001)
        answer = answering.result()
    assert sent < 5 * MOST_HEADERS
    assert status_of(answer) == 431
    assert refusal_in(answer) == "The request's headers are larger than 65,536 bytes. Send fewer."
    assert b"connection: close" in answer


@pytest.mark.parametrize(("size", "status"), [(60_000, 200), (MOST_HEADERS + 1, 431), (200_000, 431)])
async def test_headers_that_come_at_once_are_measured(size: int, status: int) -> None:
    async with serving_app(Desk(), lifespan="off") as port:
        padding = b"X: " + b"x" * size
        assert (
            status_of(await answer_to(port, GET + b"Connection: close\r\n" + padding + b"\r\n\r\n")) == status
        )


async def test_a_body_is_no_header_however_it_is_cut() -> None:
    async with serving_app(Desk(), lifespan="off") as port, connected(port) as (reader, writer):
        for _ in range(50):
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
            writer.write(head + b"x" * 1000)
        writer.write(CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        for _ in range(300):
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n" + GET + b"Connection: close\r\n\r\n")
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 OK") == 52


HALVES = {
    "a line": b"GET / HT",
    "headers": GET + b"X: x\r\n",
    "a body": POST + b"hello",
    "a chunked body": CHUNKED + b"5\r\nhello\r\n",
    "a second request": GET + b"\r\n" + GET,
}


@pytest.mark.parametrize("name", HALVES)
async def test_a_request_that_is_not_sent_to_its_end_is_let_go(name: str) -> None:
    async with serving_app(Desk(), http=Impatient, lifespan="off") as port:
        answer = await answer_to(port, HALVES[name])
    last = answer[answer.rindex(b"HTTP/1.1") :]
    assert status_of(last) == 408
    assert refusal_in(last) == "The request took over 0.3 seconds. Send it again."


@pytest.mark.parametrize("begin", [GET, POST.replace(b"10", b"1000")])
async def test_a_request_that_drips_is_let_go(begin: bytes) -> None:
    async with (
        serving_app(Desk(), http=Impatient, lifespan="off") as port,
        connected(port) as (reader, writer),
    ):
        writer.write(begin)
        answering = asyncio.create_task(reader.read())
        while not answering.done():
            writer.write(b"x")
            await asyncio.wait([answering], timeout=0.02)
        assert status_of(answering.result()) == 408


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n", GET + b"\r\n", GET + b"\r\n\r\n"])
async def test_a_connection_on_which_nothing_is_asked_is_closed(sent: bytes) -> None:
    desk = Desk()
    async with serving_app(desk, http=Impatient, lifespan="off", timeout_keep_alive=1) as port:
        answer = await answer_to(port, sent)
    assert answer.count(b"HTTP/1.1") == answer.count(b"HTTP/1.1 200 OK") == sent.count(b"GET")


async def test_a_websocket_may_wait_longer_than_a_request() -> None:
    async with serving_app(Desk(), http=Impatient) as port, connected(port) as (reader, writer):
        writer.write(UPGRADE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        async with connected(port) as (idle, _):
            assert await idle.read() == b""  # It came later, and has waited for as long as it may.
        writer.write(b"\x89\x80" + bytes(4))
        assert await reader.readexactly(2) == b"\x8a\x00"


async def test_an_answer_may_take_longer_than_a_request() -> None:
    desk = Desk(is_open=False)
    async with serving_app(desk, http=Impatient, lifespan="off") as port, connected(port) as (reader, writer):
        writer.write(GET + b"Connection: close\r\n\r\n")
        await desk.begun.acquire()
        for _ in range(2):
            await answer_to(port, GET)  # ends when its time is over
        desk.opened.set()
        assert status_of(await reader.read()) == 200


@asynccontextmanager
async def unread(port: int) -> AsyncIterator[StreamReader]:
    """A connection with small buffers that has asked, and reads nothing by itself."""
    with socket.socket() as small:
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=small, limit=1)
        writer.write(GET + b"\r\n")
        yield reader
        writer.transport.abort()


class Lost(Impatient):
    """Tells when a connection has ended."""

    ended: asyncio.Semaphore

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.release()


async def test_a_client_that_does_not_read_its_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lost, "ended", asyncio.Semaphore(0), raising=False)
    async with (
        serving_app(Desk(b"x" * 10_000_000), http=Lost, lifespan="off") as port,
        AsyncExitStack() as clients,
        asyncio.timeout(20),
    ):
        readers = [await clients.enter_async_context(unread(port)) for _ in range(10)]
        for _ in readers:
            await Lost.ended.acquire()


async def test_a_client_that_reads_slowly_gets_its_whole_answer() -> None:
    body, began, seen = b"x" * 10_000_000, asyncio.get_running_loop().time(), 0
    async with (
        serving_app(Desk(body), http=Impatient, lifespan="off") as port,
        unread(port) as reader,
        asyncio.timeout(20),
    ):
        while seen < len(body):
            seen += len(await reader.readexactly(min(500_000, len(body) - seen)))
            await asyncio.sleep(0.05)
    assert asyncio.get_running_loop().time() - began > 2 * Impatient.read_patience


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log as the service filters it."""
    uvicorns = logging.getLogger("uvicorn.error")
    uvicorns.addFilter(is_fault)
    yield caplog
    uvicorns.removeFilter(is_fault)


PIPELINED = {
    "requests": (GET + b"\r\n") * 5,
    "requests with bodies": (POST + b"0123456789") * 5,
    "half a request behind": (GET + b"\r\n") * 3 + GET,
    "no request behind": (GET + b"\r\n") * 3 + b"\0\0\0",
    "a handshake behind": GET + b"\r\n" + UPGRADE,
    "more than anybody sends": (GET + b"\r\n") * 3000,
}


@pytest.mark.parametrize("name", PIPELINED)
def test_who_leaves_while_answers_are_due_is_no_fault(log: pytest.LogCaptureFixture, name: str) -> None:
    async def leave() -> None:
        desk = Desk(b"x" * 300_000, is_open=False)
        async with serving_app(desk, lifespan="off", log_level="error") as port:
            async with connected(port) as (_, writer):
                writer.write(PIPELINED[name])
                await desk.begun.acquire()
            assert status_of(await answer_to(port, b"\0")) == 400  # after the end of the other was seen
            desk.opened.set()
            await desk.ended.acquire()

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:  # the service's loop, which is stricter
        runner.run(leave())
    assert [record.getMessage() for record in log.records] == []


async def test_requests_are_answered_in_turn_however_many_are_sent_at_once() -> None:
    async with serving_app(Desk(), lifespan="off") as port:
        answers = await answer_to(port, (GET + b"\r\n") * 900 + GET + b"Connection: close\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 901


async def test_what_is_no_request_is_refused_in_the_shape_of_graphql() -> None:
    async with serving_app(Desk(), lifespan="off") as port:
        answer = await answer_to(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert status_of(answer) == 400
    assert refusal_in(answer) == "This is not a valid HTTP request. Check the request line and the headers."


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xed\xa0\x80"])
async def test_a_frame_that_is_no_text_closes_the_socket_and_is_not_logged(
    log: pytest.LogCaptureFixture, text: bytes
) -> None:
    async with serving_app(Desk(), lifespan="off") as port, connected(port) as (reader, writer):
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        assert (await reader.read())[2:4] == (1007).to_bytes(2)
    assert [record for record in log.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    "answer",
    [{"type": "websocket.close", "code": 4400}, {"type": "websocket.send", "text": "hello"}],
    ids=["a close", "a message"],
)
async def test_an_answer_to_a_socket_that_is_closed_meanwhile_is_no_fault(
    log: pytest.LogCaptureFixture, answer: Any
) -> None:
    answered = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.receive()
        with pytest.raises(WebSocketDisconnect):
            await socket.send(answer)
        answered.set()

    text, no_frame = bytes([0x81, 0x81, 0, 0, 0, 0]) + b"x", bytes([0x83, 0x80, 0, 0, 0, 0])
    async with serving_app(app, lifespan="off") as port, connected(port) as (reader, writer):
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text + no_frame)
        assert (await reader.read())[2:4] == (1002).to_bytes(2)
        await answered.wait()
    assert [record for record in log.records if record.levelno >= logging.ERROR] == []


async def test_connections_that_only_wait_make_room_for_others() -> None:
    class Few(HTTPConnection):
        most_open = 10

    async with serving_app(Desk(), http=Few, lifespan="off") as port, AsyncExitStack() as open_ones:
        oldest, _ = await open_ones.enter_async_context(connected(port))
        for sent in [b"GET / HT", b"", GET + b"\r\n", POST] * 10:
            _, writer = await open_ones.enter_async_context(connected(port))
            writer.write(sent)
        assert status_of(await answer_to(port, GET + b"Connection: close\r\n\r\n")) == 200
        with suppress(ConnectionError):
            assert await oldest.read() == b""


async def test_where_all_connections_are_busy_health_checks_are_answered_and_nothing_else() -> None:
    class Few(HTTPConnection):
        most_open = 3

    desk, health = Desk(is_open=False), GET.replace(b" / ", b" /health/live ") + b"\r\n"
    async with serving_app(desk, http=Few, lifespan="off") as port, AsyncExitStack() as busy:
        for _ in range(3):
            _, writer = await busy.enter_async_context(connected(port))
            writer.write(GET + b"\r\n")
            await desk.begun.acquire()
        for sent in (GET + b"\r\n", UPGRADE):
            refused = await answer_to(port, sent)
            assert status_of(refused) == 503
            assert refusal_in(refused) == "Too many connections are open. Try again in a moment."
        async with connected(port) as (reader, writer):
            writer.write(health)
            await desk.begun.acquire()
            desk.opened.set()
            assert status_of(await reader.read()) == 200, "and the connection is closed"


@pytest.mark.campaign
async def test_at_the_limit_of_open_files_health_checks_are_answered(mongo_url: str, tmp_path: Path) -> None:
    """Neither those who send half a request nor those who follow keep a service from saying that it lives."""
    if most_connections() < 2 * FILES:
        pytest.skip("both ends of many connections need more open files: ulimit -n 1024")
    follow = {"query": "subscription { readModelUpdates { __typename } }"}
    async with (
        running(
            tmp_path,
            module="tests.server.few_files",
            MONGODB_URL=mongo_url,
            MONGODB_DATABASE="few_files",
        ) as service,
        AsyncExitStack() as open_ones,
        httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=None)) as http,
    ):
        port = int(service.url.rpartition(":")[2])

        async def follows() -> int:
            following = http.stream(
                "GET", f"{service.url}/graphql", params=follow, headers={"Accept": "text/event-stream"}
            )
            return (await open_ones.enter_async_context(following)).status_code

        for _ in range(FILES):
            _, writer = await open_ones.enter_async_context(connected(port))
            writer.write(POST + b"half")
        hello = await http.get(f"{service.url}/graphql", params={"query": "{ __typename }"})
        assert hello.status_code == 200
        followed = [await follows() for _ in range(FILES)]
        assert followed[0] == 200
        assert followed[-1] == 503
        for path in ("live", "ready"):
            async with httpx.AsyncClient(timeout=20) as probe:
                assert (await probe.get(f"{service.url}/health/{path}")).status_code == 200
        assert "ERROR" not in await service.stop(SIGTERM)


NAMES: dict[type, set[str]] = {
    HttpToolsProtocol: {
        *(
            "connection_made",
            "connection_lost",
            "data_received",
            "pause_writing",
            "resume_writing",
            "shutdown",
        ),
        *(
            "on_message_begin",
            "on_headers_complete",
            "on_body",
            "on_message_complete",
            "on_response_complete",
        ),
        *("handle_websocket_upgrade", "send_400_response", "timeout_keep_alive_handler"),
    },
    WebSocketsSansIOProtocol: {"send", "shutdown", "keepalive_timeout", "handle_events"},
}
ATTRIBUTES: dict[Any, set[str]] = {
    HttpToolsProtocol: {
        *("app", "loop", "connections", "server_state", "timeout_keep_alive_task", "transport", "flow"),
        *("pipeline", "scope", "headers", "url", "cycle"),
    },
    RequestResponseCycle: {"disconnected", "message_event", "keep_alive", "response_started"},
    WebSocketsSansIOProtocol: {
        *("writable", "loop", "transport", "connections", "conn", "config"),
        *("handshake_complete", "close_sent"),
    },
}


def test_uvicorn_has_the_names_that_connections_are_built_on() -> None:
    """They are no public interface: the release that fails here needs other connections."""
    missing = {
        name for owner, names in NAMES.items() for name in names if not callable(getattr(owner, name, None))
    }
    for owner, names in ATTRIBUTES.items():
        code = [each.__code__ for each in vars(owner).values() if hasattr(each, "__code__")]
        missing |= names - {name for each in code for name in each.co_names}
    assert not missing, f"uvicorn {uvicorn.__version__} has changed {sorted(missing)}"


@pytest.mark.parametrize("sent", [GET + b"\r\n", POST + b"0123456789", b"GET / HT", b""])
async def test_a_closed_connection_is_freed_at_once_and_left_to_no_garbage_collection(sent: bytes) -> None:
    made, freed = asyncio.Event(), asyncio.Event()
    there = list[weakref.ref[HTTPConnection]]()

    class Watched(HTTPConnection):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            there.append(weakref.ref(self, lambda _: freed.set()))
            made.set()

    gc.collect()
    gc.disable()
    try:
        async with serving_app(Desk(), http=Watched, lifespan="off") as port:
            async with connected(port) as (reader, writer):
                writer.write(sent)
                if sent.endswith((b"\r\n", b"9")):
                    await reader.readuntil(b"hello")
                await made.wait()
            async with asyncio.timeout(20):
                await freed.wait()
    finally:
        gc.enable()
