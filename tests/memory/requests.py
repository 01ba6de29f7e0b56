"""A client that sends requests as fast as they are answered, and keeps nothing of the answers."""

import asyncio
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import orjson

CONNECTIONS = 8


async def send_all(
    url: str, bodies: Iterable[bytes], *, header: str = "", connections: int = CONNECTIONS
) -> int:
    """Send these bodies, with one header more, over several connections; return how many were answered."""
    left, more = iter(bodies), f"{header}\r\n" if header else ""
    answered = await asyncio.gather(*(_connection(url, left, more) for _ in range(connections)))
    return sum(answered)


def body(query: str, **variables: object) -> bytes:
    """Return the body of an operation's request."""
    return orjson.dumps({"query": query, "variables": variables})


async def _connection(url: str, bodies: Iterator[bytes], more: str) -> int:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 22)
    answered = 0
    try:
        for each in bodies:
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
                f"Accept: application/graphql-response+json\r\n{more}Content-Length: {len(each)}\r\n\r\n"
            )
            writer.write(head.encode() + each)
            answered += await _was_answered(reader)
    finally:
        writer.close()
    return answered


async def _was_answered(reader: asyncio.StreamReader) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return b" 200 " in head.partition(b"\r\n")[0]
