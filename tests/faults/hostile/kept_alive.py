"""Connections that go on after a request that was refused: they are usable, or they are closed and say so."""

import asyncio
from dataclasses import dataclass
from random import Random

import orjson

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.requests import QUERY
from tests.faults.hostile.target import PATIENCE, Target

GOOD = b'"position"'
"""In the answer to the request that is sent afterwards."""


@dataclass(frozen=True)
class Response:
    """What one response said."""

    status: int
    closes: bool
    body: bytes


def request(
    port: int,
    body: bytes = QUERY,
    *,
    method: str = "POST",
    path: str = "/graphql",
    media_type: str = "application/json",
    headers: str = "",
) -> bytes:
    """Return a request as it is sent."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {media_type}\r\n{headers}"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def refused_requests(port: int) -> dict[str, bytes]:
    """Return requests, by what is wrong with them."""
    aliases = " ".join(f"a{number}: customers(first: 100) {{ nodes {{ id }} }}" for number in range(90))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (QUERY[:9], b"{", QUERY[9:]))
    chunked = request(port, b"", headers="Transfer-Encoding: chunked\r\n").replace(
        b"Content-Length: 0\r\n", b""
    )
    return {
        "no JSON": request(port, b'{"query": '),
        "an empty body": request(port, b""),
        "no operation": request(port, b'{"query": 7}'),
        "another type": request(port, media_type="text/plain"),
        "another method": request(port, method="PUT"),
        "another path": request(port, path="/nothing"),
        "a body that is too large": request(port, b" " * 1_100_000),
        "a text that is too long": request(port, orjson.dumps({"query": "{ __typename } #" + "x" * 100_000})),
        "a costly operation": request(port, orjson.dumps({"query": f"{{ {aliases} }}"})),
        "an unknown field": request(port, b'{"query": "{ nothing }"}'),
        "a forged token": request(port, headers="Consistency-Token: 0000\r\n"),
        "a GET without a query": request(port, b"", method="GET"),
        "a HEAD": request(port, b"", method="HEAD"),
        "another encoding": request(port, headers="Content-Encoding: gzip\r\n"),
        "chunks that are no JSON": chunked + chunks + b"0\r\n\r\n",
        "long headers": request(port, headers="X: " + "a" * 70_000 + "\r\n"),
        "no length that is one": request(port).replace(b"Content-Length: ", b"Content-Length: x"),
    }


@attack("a connection after a refusal", weight=2)
async def after_a_refusal(target: Target, chance: Random) -> None:
    port = target.service.port
    name, sent = chance.choice(sorted(refused_requests(port).items()))
    target.run.sent += 1
    try:
        async with asyncio.timeout(PATIENCE):
            if complaint := await usable_or_closed(port, sent, is_head=sent.startswith(b"HEAD")):
                target.complain(f"after {name}", complaint)
    except TimeoutError:
        target.complain(f"after {name}", f"no answer and no end within {PATIENCE:g} s")


async def usable_or_closed(port: int, sent: bytes, *, is_head: bool = False) -> str | None:
    """Send this and then a good request over the same connection; return what is wrong with what came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        try:
            refusal = await _response(reader, is_head=is_head)
        except (OSError, asyncio.IncompleteReadError) as error:
            return f"closed without an answer: {type(error).__name__}"
        if refusal.status >= 500:
            return f"status {refusal.status}"
        if refusal.closes:
            rest = await reader.read(1_000)
            return f"it went on after its end with {rest[:40]!r}" if rest else None
        writer.write(request(port))
        try:
            answer = await _response(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            return f"closed, and the answer before did not say so: {type(error).__name__}"
        if answer.status != 200 or GOOD not in answer.body:
            return f"a good request was answered with status {answer.status}: {answer.body[:80]!r}"
        return None
    finally:
        writer.transport.abort()


async def _response(reader: asyncio.StreamReader, *, is_head: bool = False) -> Response:
    """Read one response; raise `OSError` or `IncompleteReadError` where there is none as a whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status, *lines = head.strip().split("\r\n")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    closes = headers.get("connection") == "close"
    body = b""
    if "content-length" in headers and not is_head:
        body = await reader.readexactly(int(headers["content-length"]))
    return Response(int(status.split()[1]), closes, body)
