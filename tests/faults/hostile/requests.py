"""Requests that are hardly HTTP, and bodies that are hardly GraphQL."""

import asyncio
from random import Random

import orjson

from tests.faults.hostile.attacks import attack
from tests.faults.hostile.target import PATIENCE, Target

QUERY = orjson.dumps({"query": "{ freshness { position } }"})

BODIES = (
    *(
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"\xff\xfe",
        b"\x00" * 100,
        b'{"query": 1}',
        b'{"query": ""}',
    ),
    *(
        b'{"query": "{"}',
        b'{"query": null}',
        b'{"query": "{a}", "query": "{b}"}',
        b"[" * 5_000,
        b'{"a":' * 5_000,
    ),
    *(b'{"query": "{ __typename }", "variables": []}', b'{"query": "{ __typename }", "operationName": {}}'),
    *(b'{"query": "{ __typename }", "extensions": 7}', b'{"query": "\\ud800"}', b'{"query": "{ \\u0000 }"}'),
    *(
        b'[{"query": "{ __typename }"}]',
        b"query={__typename}",
        QUERY + QUERY,
        QUERY + b" " * 900_000,
        b"x" * 1_100_000,
    ),
)

TYPES = (
    *("application/json", "application/json; charset=utf-7", "text/plain", "application/graphql", "x", ""),
    *(
        "multipart/form-data; boundary=",
        "application/x-www-form-urlencoded",
        "application/json;" + "a=b;" * 500,
    ),
)

ACCEPTED = (
    *(
        "*/*",
        "text/event-stream",
        "application/graphql-response+json",
        "text/html",
        "application/json;q=2",
        ",,,;;",
    ),
    *("a/b;q=" + "9" * 400, ", ".join(f"a/b{n};q=0.{n}" for n in range(400)), "text/event-stream;q=0"),
)


@attack("bodies", weight=4)
async def bodies(target: Target, chance: Random) -> None:
    headers = {"Content-Type": chance.choice(TYPES), "Accept": chance.choice(ACCEPTED[2:])}
    body = chance.choice(BODIES)
    if chance.random() < 0.3:
        cut = chance.randrange(len(QUERY))
        body = QUERY[:cut] + chance.randbytes(chance.randint(0, 3)) + QUERY[cut + 1 :]
    await target.post(f"a body of {body[:30]!r}", body, headers)


@attack("query strings", weight=2)
async def query_strings(target: Target, chance: Random) -> None:
    parameters = chance.choice(
        (
            *(
                "query={__typename}&query={a}",
                "query=%ff%fe",
                "query=%00",
                "query=",
                "variables={",
                "query={a}&variables=[",
            ),
            *(
                "query={__typename}&variables=" + "[" * 5_000,
                "a=b&" * 5_000,
                "query=" + "a" * 20_000,
                "&&&==",
                "query=%",
            ),
            *(
                "query=mutation{a}",
                "query=subscription{readModelUpdates{__typename}}&operationName=x",
                "query=%E0%A4%A",
            ),
        )
    )
    method = chance.choice(("GET", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST"))
    accept = {"Accept": chance.choice(("*/*", "application/json"))}
    reply = await target.request(
        f"{method} with {parameters[:30]}", method, f"{target.url}?{parameters}", headers=accept, check=False
    )
    if reply and reply.status >= 500:
        target.complain(f"{method} with {parameters[:30]}", f"status {reply.status}")


@attack("paths", weight=1)
async def paths(target: Target, chance: Random) -> None:
    path = chance.choice(
        (
            "/%2e%2e/etc",
            "/graphql/",
            "/graphql%00",
            "//graphql",
            "/health/loop/x",
            "/static/..%2f",
            "/*",
            "/é",
        )
    )
    reply = await target.request(f"path {path}", "GET", f"{target.service.url}{path}", check=False)
    if reply and reply.status >= 500:
        target.complain(f"path {path}", f"status {reply.status}")


def _post(headers: bytes, body: bytes = QUERY, length: int | None = None) -> bytes:
    said = len(body) if length is None else length
    lines = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % said
    return b"POST /graphql HTTP/1.1\r\n" + headers + lines + b"\r\n" + body


def _raw(chance: Random, port: int) -> tuple[str, bytes]:
    host = b"Host: 127.0.0.1:%d\r\n" % port
    raw = {
        "no host": _post(b""),
        "two hosts": _post(host + host),
        "another's host": _post(b"Host: evil.example\r\nOrigin: http://evil.example\r\n"),
        "a long header line": _post(
            host + b"X: " + b"a" * chance.choice((10_000, 70_000, 2_000_000)) + b"\r\n"
        ),
        "many headers": _post(host + b"".join(b"X%d: a\r\n" % n for n in range(chance.choice((50, 20_000))))),
        "a header without an end": b"POST /graphql HTTP/1.1\r\n" + host + b"X: " + b"a" * 1_000_000,
        "a long path": b"GET /" + b"a" * chance.choice((5_000, 300_000)) + b" HTTP/1.1\r\n" + host + b"\r\n",
        "two lengths": _post(host + b"Content-Length: 3\r\n"),
        "length and chunks": _post(host + b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        "chunks that are none": b"POST /graphql HTTP/1.1\r\n"
        + host
        + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "a negative length": _post(host, length=-5),
        "a huge length": _post(host, length=2**63),
        "another version": b"GET /graphql HTTP/9.9\r\n" + host + b"\r\n",
        "no HTTP at all": chance.randbytes(chance.choice((1, 100, 5_000))),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
        "pipelined and closed": _post(host) * chance.choice((2, 200)),
        "bare newlines": _post(host).replace(b"\r\n", b"\n"),
        "an upgrade to nothing": _post(host + b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
        "a broken handshake": b"GET /graphql HTTP/1.1\r\n"
        + host
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        + b"Sec-WebSocket-Version: 1\r\nSec-WebSocket-Key: \xff\r\n\r\n",
        "an expectation": _post(host + b"Expect: 100-continue\r\n"),
        "a request that is cut off": _post(host, length=5_000),
    }
    name = chance.choice(sorted(raw))
    return name, raw[name]


@attack("raw requests", weight=3)
async def raw(target: Target, chance: Random) -> None:
    name, data = _raw(chance, target.service.port)
    target.run.sent += 1
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.service.port)
    except OSError as error:
        target.complain(name, f"no connection: {type(error).__name__}")
        return
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            if chance.random() < 0.8 and name != "pipelined and closed":
                await writer.drain()
                writer.write_eof()  # Nothing more comes: the service has all that it will get.
                answer = await reader.read(100_000)
                if answer.startswith(b"HTTP/1.1 5"):
                    target.complain(name, f"answered with {answer[:40]!r}")
    except TimeoutError:
        target.complain(name, f"no answer and no end within {PATIENCE:g} s")
    except OSError:
        pass  # It was cut off, and so it may be.
    finally:
        writer.transport.abort()
