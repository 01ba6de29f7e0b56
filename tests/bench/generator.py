"""The load generator, a process of its own, which reads a job and writes what it saw.

Every connection sends its next request when it has the answer to the last one; with a pace, requests are
sent at fixed times instead, whether or not the server keeps up. Requests are ready-made bytes, and of the
answers only the head is looked at, so that one core asks for more than any Python server can answer.
"""

import asyncio
import sys
from asyncio import FIRST_COMPLETED
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from time import perf_counter
from typing import Any, TypeVar, cast

import msgspec
import uvloop

from tests.bench.machine import Spent, spent_by

T = TypeVar("T")

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
REFUSED = b'"errors":[{'
"""In an answer that is not what was asked for, be it a GraphQL error or a refused command."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be asked of whom, and for how long."""

    port: int
    connections: int
    seconds: float
    warm_up: float
    requests: list[bytes]
    pace: float | None = None
    """Requests a second; as fast as answers come where it is not given."""
    watched: dict[str, int] = {}
    """Processes whose CPU time is wanted, by any name."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a job, once it was warm."""

    seconds: float
    latencies: list[float]
    """Seconds, one for each answer, in the order of the answers; with a pace from when it was due."""
    due: int
    """How many requests a pace asked for in that time; 0 without one."""
    spent: dict[str, Spent]
    own: Spent


Upcoming = Callable[[], tuple[bytes, float] | None]
"""The next request, and since when it is due; nothing where there is none to be sent now."""

Done = Callable[[float, bytes], None]
"""Told since when a request was due, and the end of its answer: all of it, if that is short."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, upcoming: Upcoming, done: Done) -> None:
        self._upcoming = upcoming
        self._done = done
        self._buffer = b""
        self._due = 0.0
        self._missing = 0
        self.idle = True
        self.transport: asyncio.Transport
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own is no heir of it

    def ask(self) -> None:
        """Sends the next request, if there is one."""
        upcoming = self._upcoming()
        self.idle = upcoming is None
        if upcoming is not None:
            request, self._due = upcoming
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if REFUSED in data:
            return self._fail(f"an answer has errors: {data[:1000]!r}")
        if self._missing:
            self._missing -= len(data)
        else:
            self._buffer = data = self._buffer + data if self._buffer else data
            end = data.find(HEAD_END)
            if end < 0:
                return None
            if not data.startswith(b"HTTP/1.1 200"):
                return self._fail(f"an answer is not OK: {data[:1000]!r}")
            head = data[:end].lower()
            length = head[head.find(LENGTH) + len(LENGTH) :].partition(b"\r\n")[0]
            self._missing = end + len(HEAD_END) + int(length) - len(data)
            self._buffer = b""
        if self._missing == 0:
            self._done(self._due, data)
            self.ask()
        return None

    def connection_lost(self, reason: Exception | None) -> None:
        self._fail(f"the server closed the connection: {reason}")

    def _fail(self, why: str) -> None:
        if not self.broken.done():
            self.broken.set_exception(RuntimeError(why))


class Endless:
    """Requests without a pause, over and over."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = cycle(requests)

    def __call__(self) -> tuple[bytes, float]:
        return next(self._requests), perf_counter()


class Paced:
    """Requests at fixed times; those that find no free connection wait, and their time goes on."""

    def __init__(self, requests: Sequence[bytes], pace: float) -> None:
        self._requests = cycle(requests)
        self._pace = pace
        self._waiting: deque[tuple[bytes, float]] = deque()
        self.due = 0

    def __call__(self) -> tuple[bytes, float] | None:
        return self._waiting.popleft() if self._waiting else None

    async def keep(self, connections: Sequence[Connection]) -> None:
        """Has requests sent over idle connections, for ever."""
        began = perf_counter()
        while True:
            due = began + self.due / self._pace
            await asyncio.sleep(max(0.0, due - perf_counter()))
            self._waiting.append((next(self._requests), due))
            self.due += 1
            if idle := next((each for each in connections if each.idle), None):
                idle.ask()


async def connected(port: int, number: int, upcoming: Upcoming, done: Done) -> list[Connection]:
    """So many connections to a port on loopback."""
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: Connection(upcoming, done), "127.0.0.1", port))[1]
        for _ in range(number)
    ]


async def carry_out(job: Job) -> Seen:
    """Does the job; raises `RuntimeError` where an answer is none."""
    latencies: list[float] = []
    note, now = latencies.append, perf_counter
    paced = Paced(job.requests, job.pace) if job.pace else None
    connections = await connected(
        job.port, job.connections, paced or Endless(job.requests), lambda due, _answer: note(now() - due)
    )

    async def measure() -> Seen:
        await asyncio.sleep(job.warm_up)
        latencies.clear()
        before, own, due, began = _spent(job), spent_by("self"), paced.due if paced else 0, now()
        await asyncio.sleep(job.seconds)
        seconds, after = now() - began, _spent(job)
        return Seen(
            seconds=seconds,
            latencies=latencies.copy(),
            due=paced.due - due if paced else 0,
            spent={name: after[name].since(before[name]) for name in after},
            own=spent_by("self").since(own),
        )

    return await while_whole(connections, measure(), paced)


async def while_whole(connections: Sequence[Connection], work: Awaitable[T], paced: Paced | None) -> T:
    """What `work` gives while requests are sent; raises `RuntimeError` as soon as a connection breaks."""
    working = asyncio.ensure_future(work)
    pacing = asyncio.ensure_future(paced.keep(connections)) if paced else None
    if not paced:
        for connection in connections:
            connection.ask()
    breaks = [connection.broken for connection in connections]
    ends: list[asyncio.Future[Any]] = [working, *breaks, *([pacing] if pacing else [])]
    await asyncio.wait(ends, return_when=FIRST_COMPLETED)
    for broken in breaks:
        if broken.done():
            broken.result()
        broken.cancel()  # what happens from here on is the end of all connections
    if pacing:
        pacing.cancel()
    return await working


def say(seen: msgspec.Struct) -> None:
    """Writes all of it to the standard output, which unbuffered may take only a part."""
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:
        output.write(msgspec.msgpack.encode(seen))


def _spent(job: Job) -> dict[str, Spent]:
    return {name: spent_by(process) for name, process in job.watched.items()}


def main() -> None:
    """A job as MessagePack on the standard input, what came of it on the standard output."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    say(uvloop.run(carry_out(job)))


if __name__ == "__main__":
    main()
