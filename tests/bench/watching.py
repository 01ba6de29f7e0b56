"""Commands at a pace, and subscribers who all see what comes of them; a process of its own, with one clock.

While it measures it only notes when which bytes came; they are looked at afterwards.
"""

import asyncio
import re
import sys
from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from tests.bench.generator import Paced, connected, say, while_whole
from tests.bench.machine import Spent, spent_by

CONNECTIONS = 8
"""Of the commands."""

LATE = 2.0
"""Seconds that the last items may take after the last command: who has seen nothing by then never will."""

_POSITION = re.compile(rb'"position":"(\d+)"')
_PATIENCE = 30.0

SUBSCRIPTION = """subscription Watch($id: ID!) { productUpdated(id: $id) { cursor lagged product {
  id sku name price { amount } onHand reserved available inStock unitsSold stockVersion position } } }"""


class WatchJob(msgspec.Struct, frozen=True, kw_only=True):
    """How many follow the product, and which commands change it."""

    port: int
    product: str
    subscribers: int
    commands: list[bytes]
    pace: float
    seconds: float
    warm_up: float
    server: int
    """Its process."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it once it was warm; times in seconds, one for each command and subscriber."""

    commands: int
    kept: float
    """The share of the commands that was answered in their time."""
    from_receipt: list[float]
    """From the answer to a command, which follows its commit, to its effect at a subscriber."""
    from_sending: list[float]
    """The same from when the command was sent: the command's own time is in it."""
    spent: Spent


class _Subscriber(asyncio.Protocol):
    """A websocket, by hand: what a library costs would be taken for the server's."""

    def __init__(self, product: str) -> None:
        self._product = product
        self.received: list[tuple[float, bytes]] = []
        self.follows: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._more = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        if self.follows.done():
            self.received.append((perf_counter(), data))
            self._more.set()
        elif data.startswith(b"HTTP/1.1 101"):
            self._say({"type": "connection_init"})
        elif b'"connection_ack"' in data:
            payload = {"query": SUBSCRIPTION, "variables": {"id": self._product}}
            self._say({"id": "1", "type": "subscribe", "payload": payload})
        elif b'"next"' in data:
            self.follows.set_result(None)
        else:
            self.follows.set_exception(RuntimeError(f"a subscription was answered with {data[:1000]!r}"))

    def _say(self, message: dict[str, object]) -> None:
        text = msgspec.json.encode(message)
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        self._transport.write(b"\x81" + length + bytes(4) + text)  # masked, with a mask that changes nothing

    async def sees(self, position: int) -> None:
        """Returns when an item of this position, or of a later one, has come."""
        while max(self.seen()[0], default=0) < position:
            self._more.clear()
            await self._more.wait()

    def seen(self) -> tuple[list[int], list[float]]:
        """The positions of all items, rising, and when each had come."""
        positions: list[int] = []
        times: list[float] = []
        for at, frame in self._frames():
            if found := _POSITION.search(frame):
                positions.append(int(found[1]))
                times.append(at)
        return positions, times

    def _frames(self) -> Iterator[tuple[float, bytes]]:
        rest = b""
        for at, data in self.received:
            rest += data
            while (end := _frame_end(rest)) and end <= len(rest):
                yield at, rest[:end]
                rest = rest[end:]


def _position(answer: bytes) -> int:
    found = _POSITION.search(answer)
    if not found:
        raise RuntimeError(f"a command was answered with {answer[:1000]!r}")
    return int(found[1])


def _same(subscriber: _Subscriber) -> _Subscriber:
    return subscriber


def _frame_end(data: bytes) -> int:
    """Where the first frame ends; 0 while that can't be said."""
    if len(data) < 2:
        return 0
    size, length = 2, data[1] & 0x7F
    if length > 125:
        size += 2 if length == 126 else 8
        if len(data) < size:
            return 0
        length = int.from_bytes(data[2:size], "big")
    return size + length


async def watch(job: WatchJob) -> Watched:
    """Does the job; raises `RuntimeError` where the server fails."""
    loop = asyncio.get_running_loop()
    subscribers = [_Subscriber(job.product) for _ in range(job.subscribers)]
    for subscriber in subscribers:
        await loop.create_connection(partial(_same, subscriber), "127.0.0.1", job.port)
        await asyncio.wait_for(subscriber.follows, _PATIENCE)
    answered: list[tuple[float, float, bytes]] = []
    paced = Paced(job.commands, job.pace)
    connections = await connected(
        job.port, CONNECTIONS, paced, lambda due, answer: answered.append((due, perf_counter(), answer))
    )

    async def measure() -> tuple[list[tuple[float, float, bytes]], int, Spent]:
        await asyncio.sleep(job.warm_up)
        answered.clear()
        before, due = spent_by(job.server), paced.due
        await asyncio.sleep(job.seconds)
        return answered.copy(), paced.due - due, spent_by(job.server).since(before)

    commands, due, spent = await while_whole(connections, measure(), paced)
    changes = [(sent, receipt, _position(answer)) for sent, receipt, answer in commands]
    last = max(position for _, _, position in changes)
    try:
        async with asyncio.timeout(LATE):
            await asyncio.gather(*(subscriber.sees(last) for subscriber in subscribers))
    except TimeoutError:
        raise RuntimeError(f"a subscriber was not told of the last command within {LATE} seconds") from None
    from_receipt: list[float] = []
    from_sending: list[float] = []
    for positions, times in (subscriber.seen() for subscriber in subscribers):
        for sent, receipt, position in changes:
            seen = times[bisect_left(positions, position)]
            from_receipt.append(seen - receipt)
            from_sending.append(seen - sent)
    return Watched(
        commands=len(commands),
        kept=min(1.0, len(commands) / due),
        from_receipt=from_receipt,
        from_sending=from_sending,
        spent=spent,
    )


def main() -> None:
    """A job as MessagePack on the standard input, what came of it on the standard output."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=WatchJob)
    say(uvloop.run(watch(job)))


if __name__ == "__main__":
    main()
