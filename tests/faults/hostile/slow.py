"""Clients who send half a request and no more, and who do not read what they asked for."""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import orjson

from tests.faults.hostile.target import Target

HALF_SENT, UNREAD = 64, 40
"""How many there are of each."""

HALF_SENT_LIMIT, UNREAD_LIMIT = 25.0, 40.0
"""Seconds after which the service has let go of them: it does so at 20 and at 30."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

READ_BUFFER = 4_096
"""Bytes that the client's side takes in without being read."""


async def hold(target: Target) -> None:
    """Opens all of them at once; those that are not let go of in time are found."""
    port = target.service.port
    request = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n" % port
    page = "customers(first: 50) { nodes { id name orders(first: 20) { nodes { id total { amount } } } } }"
    body = orjson.dumps({"query": f"{{ {page} }}"})
    whole = request + b"Content-Length: %d\r\n\r\n" % len(body) + body
    async with AsyncExitStack() as opened:
        half = [await _open(opened, port, request) for _ in range(HALF_SENT)]
        # So many answers, one after the other, that they fill all buffers on the way.
        unread = [await _open(opened, port, whole * 200) for _ in range(UNREAD)]
        began = monotonic()
        target.run.sent += HALF_SENT + UNREAD
        await _until_closed(target, half, began + HALF_SENT_LIMIT, "half-sent requests")
        await _until_closed(target, unread, began + UNREAD_LIMIT, "readers who do not read")


async def _open(opened: AsyncExitStack, port: int, data: bytes) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=READ_BUFFER)
    opened.callback(writer.transport.abort)
    writer.write(data)
    return reader, writer  # A writer that nobody holds closes its connection.


async def _until_closed(target: Target, clients: list[Streams], until: float, what: str) -> None:
    """Waits for the time, and then looks how many are open still: a closed one comes to its end."""
    await asyncio.sleep(max(0.0, until - monotonic()))
    open_still = sum([not await _ends(reader) for reader, _ in clients])
    target.run.notes.append(f"{what}: {open_still} of {len(clients)} still open after their time")
    if open_still:
        target.complain(what, "not let go of in time")


async def _ends(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(2):
            while await reader.read(1 << 20):
                pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
