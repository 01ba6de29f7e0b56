"""A client may send many requests before it reads an answer; few of them are parsed before their turn."""

from typing import Any

import pytest

from app.server.connections.http import HTTPConnection
from app.server.connections.pipelining import MOST_PIPELINED, PART
from tests.inprocess import serving_app
from tests.server.test_http_connections import GET, POST, Desk, Impatient, answer_to, connected

LAST = GET + b"Connection: close\r\n\r\n"


async def test_of_many_requests_few_are_parsed_before_their_turn() -> None:
    class Watched(HTTPConnection):
        most = 0

        def parse(self, data: bytes) -> None:
            super().parse(data)
            Watched.most = max(Watched.most, len(self.pipeline))

    request = GET + b"X: " + b"x" * 100 + b"\r\n\r\n"
    async with serving_app(Desk(b"x" * 20_000), http=Watched, lifespan="off") as port:
        answers = await answer_to(port, request * 2_000 + LAST)
    assert answers.count(b"HTTP/1.1 200 OK") == 2_001
    assert MOST_PIPELINED <= Watched.most <= MOST_PIPELINED + PART // len(request) + 1


async def test_the_bodies_of_many_requests_are_whole() -> None:
    bodies = [b"%d HTTP/1.1 " % number * (number % 40) for number in range(300)]
    requests = [POST.replace(b"10", b"%d" % len(body)) + body for body in bodies]
    received = list[bytes]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        received.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serving_app(app, lifespan="off") as port:
        await answer_to(port, b"".join(requests) + LAST)
    assert received == [*bodies, b""]


@pytest.mark.parametrize("at_once", [1_000, 100_000])
async def test_who_sends_without_end_and_reads_no_answer_is_disconnected(at_once: int) -> None:
    async def send_without_end(port: int) -> None:
        async with connected(port) as (_, writer):
            while True:
                writer.write((GET + b"\r\n") * at_once)
                await writer.drain()

    async with serving_app(Desk(b"x" * 300_000), http=Impatient, lifespan="off") as port:
        with pytest.raises(OSError):
            await send_without_end(port)
