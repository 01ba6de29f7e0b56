"""What an application answers at once is answered without a task, in its turn, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.server.connections.http import MOST_HEADERS, HTTPConnection
from app.server.connections.repeated_heads import LONGEST
from app.web.at_once import AtOnce, Headers
from tests.inprocess import serving_app
from tests.server.test_http_connections import Desk, answer_to, connected, status_of


def post(body: bytes = b"known", *, target: str = "/desk", version: str = "1.1", more: str = "") -> bytes:
    head = f"POST {target} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


LAST = post(b"last", more="Connection: close\r\n")


class QuickDesk(Desk):
    """Answers at once where the body is known, and else as any application does."""

    def __init__(self, quick: bytes = b"quick") -> None:
        super().__init__(b"slow")
        self.quick = quick
        self.called = 0
        self.at_once = AtOnce(b"/desk", lambda headers: headers, self.answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.called += 1
        await super().__call__(scope, receive, send)

    def answer(self, headers: Headers, body: bytes, client: Any) -> tuple[Headers, bytes] | None:
        assert (b"host", b"localhost") in headers
        assert client[0] == "127.0.0.1"
        return ([(b"content-length", b"%d" % len(self.quick))], self.quick) if body == b"known" else None


class Impatient(HTTPConnection):
    request_patience = 0.3
    idle_patience = 0.3


@asynccontextmanager
async def serving(desk: QuickDesk, http: type[HTTPConnection] = HTTPConnection) -> AsyncIterator[int]:
    async with serving_app(desk, http=http, timeout_keep_alive=1, lifespan="off") as port:
        yield port


def told(answer: bytes) -> list[bytes]:
    """The bodies of answers, in their order."""
    return [word for part in answer.split(b"HTTP/1.1 200 OK") for word in (b"quick", b"slow") if word in part]


async def test_an_answer_at_once_needs_no_call_of_the_application() -> None:
    desk = QuickDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(post())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
            assert await reader.readexactly(5) == b"quick"
    assert desk.called == 0


ORDINARY = {
    "an unknown body": post(b"unknown"),
    "another path": post(target="/other"),
    "a query string": post(target="/desk?a=b"),
    "another method": post().replace(b"POST", b"PUT"),
    "the end of the connection": post(more="Connection: close\r\n"),
    "an older version": post(version="1.0"),
    "an older version that stays": post(version="1.0", more="Connection: keep-alive\r\n"),
    "a wish to go on": post(more="Expect: 100-continue\r\n"),
    "a wish for another protocol": post(more="Connection: upgrade\r\nUpgrade: h2c\r\n"),
    "a body in pieces": post(more="").replace(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n")[
        :-5
    ]
    + b"2\r\nkn\r\n3\r\nown\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", ORDINARY)
async def test_what_needs_more_than_the_answer_goes_to_the_application(name: str) -> None:
    desk = QuickDesk()
    async with serving(desk) as port:
        answer = await answer_to(port, ORDINARY[name])
    assert desk.called == 1
    assert told(answer) == [b"slow"]


@pytest.mark.parametrize(
    ("cut", "body"), [(10, b"quick"), (30, b"quick"), (len(post()) - 5, b"slow"), (len(post()) - 1, b"slow")]
)
async def test_a_request_in_two_packets_is_answered_once(cut: int, body: bytes) -> None:
    desk = QuickDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        writer.write(post())
        await reader.readuntil(b"quick")
        writer.write(post()[:cut])
        await answer_to(port, LAST)  # By then the first packet has come.
        writer.write(post()[cut:] + LAST)
        assert told(await reader.read()) == [body, b"slow"]


async def test_requests_in_one_packet_are_answered_in_turn() -> None:
    desk = QuickDesk()
    async with serving(desk) as port:
        answer = await answer_to(port, (post() + post(b"unknown")) * 3 + LAST)
    assert told(answer)[:2] == [b"quick", b"slow"]
    assert len(told(answer)) == 7


async def test_a_packet_has_at_most_one_answer_at_once() -> None:
    """Others would have to wait for a thousand of them."""
    desk = QuickDesk()
    async with serving(desk) as port:
        assert told(await answer_to(port, post() * 10 + LAST)) == [b"quick", *[b"slow"] * 10]


async def test_a_request_behind_one_that_waits_is_not_answered_before_it() -> None:
    desk = QuickDesk()
    desk.opened.clear()
    async with serving(desk) as port, connected(port) as (reader, writer):
        writer.write(post(b"unknown"))
        await desk.begun.acquire()
        writer.write(post())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        desk.opened.set()
        writer.write(LAST)
        assert told(await reader.read()) == [b"slow", b"slow", b"slow"]


async def test_a_client_that_does_not_read_is_not_sent_more_at_once() -> None:
    desk = QuickDesk(quick=b"x" * 20_000_000)
    async with serving(desk) as port, connected(port) as (_, writer):
        writer.write(post())
        await answer_to(port, LAST)
        writer.write(post())
        for _ in range(2):
            await desk.begun.acquire()
    assert desk.called == 2


@pytest.mark.parametrize("behind", [b"", b"\r\n\r\n"])
async def test_a_connection_that_is_idle_after_an_answer_at_once_is_closed(behind: bytes) -> None:
    async with serving(QuickDesk(), http=Impatient) as port:
        assert told(await answer_to(port, post() + behind)) == [b"quick"]


@pytest.mark.parametrize("half", [post()[:30], post()[:-1]])
async def test_half_a_request_after_an_answer_at_once_is_let_go(half: bytes) -> None:
    async with serving(QuickDesk(), http=Impatient) as port, connected(port) as (reader, writer):
        writer.write(post())
        await reader.readuntil(b"quick")
        writer.write(half)
        assert status_of(await reader.read()) == 408


async def test_headers_of_an_answer_at_once_are_measured() -> None:
    desk = QuickDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for _ in range(300):  # They are counted for each request.
            writer.write(post(more=f"X: {'x' * 1000}\r\n"))
            await reader.readuntil(b"quick")
        writer.write(post(more=f"X: {'x' * MOST_HEADERS}\r\n"))
        assert status_of(await reader.read()) == 431


async def test_health_checks_only_are_answered_where_too_many_connections_are_open() -> None:
    class Few(HTTPConnection):
        most_open = 1

    desk = QuickDesk()
    desk.opened.clear()
    async with serving(desk, http=Few) as port, connected(port) as (_, writer):
        writer.write(post(b"unknown"))
        await desk.begun.acquire()
        assert status_of(await answer_to(port, post())) == 503
        desk.opened.set()


async def test_a_request_whose_body_can_not_be_read_is_refused_once_and_not_handed_over() -> None:
    broken = post().replace(
        b"Content-Length: 5\r\n\r\nknown", b"Transfer-Encoding: chunked\r\n\r\nno size\r\n"
    )
    desk = QuickDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        writer.write(broken)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert desk.called == 0


class EchoDesk(QuickDesk):
    """Answers at once with the body itself, if its letters are small; notes whose headers it has read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_headers: list[Headers] = []
        self.at_once = AtOnce(b"/desk", self.read, self.echo)

    def read(self, headers: Headers) -> Headers:
        self.read_headers.append(headers)
        return headers

    def echo(self, headers: Headers, body: bytes, client: Any) -> tuple[Headers, bytes] | None:
        return ([(b"x", dict(headers).get(b"x", b"none"))], body) if body.islower() else None


async def test_a_head_that_comes_again_is_read_once_and_each_body_has_its_own_answer() -> None:
    desk = EchoDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for body in (b"aaaaa", b"bbbbb", b"CCCCC", b"ddddd"):
            writer.write(post(body))
            await reader.readuntil(b"slow" if body.isupper() else body)
        assert len(desk.read_headers) == 3, "again for the one that is not answered at once, and after it"
        for body in (b"cccccc", b"dddddd"):  # another length
            writer.write(post(body))
            await reader.readuntil(body)
        assert len(desk.read_headers) == 4
        for value in (b"1", b"2", b"2", b"1"):
            writer.write(post(b"eeeee", more=f"X: {value.decode()}\r\n"))
            assert await reader.readuntil(b"eeeee") == b"HTTP/1.1 200 OK\r\nx: %b\r\n\r\neeeee" % value
        assert len(desk.read_headers) == 7
    assert desk.called == 1


@pytest.mark.parametrize(
    "first",
    [post(b"aaaaa") * 2, post(b"AAAAA") + post(b"aaaaa"), post(b"aaaaa") + b"\r\n"],
    ids=["the same twice", "another before", "an empty line behind"],
)
async def test_what_came_with_other_bytes_is_no_head_of_later_requests(first: bytes) -> None:
    desk = EchoDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(first)
        writer.write(post(b"bbbbb") + LAST)
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 OK") == 3 * first.count(b"POST") + 2


async def test_a_long_head_is_read_each_time() -> None:
    desk = EchoDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(post(b"aaaaa", more=f"X: {'x' * LONGEST}\r\n"))
            await reader.readuntil(b"aaaaa")
    assert len(desk.read_headers) == 3


async def test_a_chunked_body_is_read_each_time() -> None:
    request = post(b"aaaaa").replace(b"Content-Length: 5\r\n\r\naaaaa", b"Transfer-Encoding: chunked\r\n\r\n")
    desk = EchoDesk()
    async with serving(desk) as port, connected(port) as (reader, writer):
        for body in (b"aaaaa", b"bbbbb"):
            writer.write(request + b"5\r\n%b\r\n0\r\n\r\n" % body)
            await reader.readuntil(body)
    assert len(desk.read_headers) == 2
