"""A service that is used for an hour: what it takes in the end is what it took after half of the time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from random import Random
from time import monotonic

import aiohttp
import orjson

from tests.faults.campaign import Run
from tests.faults.filling import fill
from tests.faults.findings import wrong
from tests.faults.hostile.honest import CONSTANT, honest_clients, p99
from tests.faults.hostile.target import Target, open_target
from tests.faults.process import open_files, resident_mb
from tests.faults.registry import fault
from tests.faults.trend import trend
from tests.faults.watchers import CHANGES, ONE_ORDER, ONE_PRODUCT, ORDERS_OF

STAYING, STREAMING = 20, 4
"""Sockets and event streams that stay for the whole time; each follows something else."""

SAMPLES = 12
"""In a minute."""

LOOKS, BETWEEN_LOOKS = 5, 0.02
"""How often tasks are counted for a sample, and the seconds in between."""

SETTINGS = {"READ_CACHE_MB": "4", "LOOP_LIMIT_MS": "50"}
"""The answers fill their cache long before half of the time; all else that is kept is filled at the start."""

FLAT = {"memory in MB": 8.0, "open files": 4.0, "tasks": 4.0}
"""How much each may still grow in the second half."""

SHORT_MINUTE, SHORTLY_FLAT = 12.0, 4.0
"""Seconds of a minute in the short form, and how many times as much may grow in it: all is new then."""

SHORT_FILLING = 0.01
"""Of what fills the caches, how much is asked for in the short form."""

PAUSE = 0.5
"""Seconds between two who come and go, at most."""


@fault("soak", rounds=60, short=1, stores=("sqlite",))
async def soak(run: Run) -> None:
    """Subscribers who stay, readers, writers and those who come and go; each round is a minute.

    Before the first round everything is filled that is kept up to a number.
    """
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in FLAT}
    async with open_target(run, customers=40, orders=160, settings=SETTINGS) as target:
        items = [0]
        await fill(target, SHORT_FILLING if run.short else 1)
        minute = SHORT_MINUTE if run.short else 60.0
        async with honest_clients(target, pause=PAUSE / 4) as honest, _subscribers(target, items):
            began = monotonic()
            while run.done < run.rounds:
                await asyncio.sleep(minute / SAMPLES)
                await _look(target, samples, monotonic() - began)
                run.done = int((monotonic() - began) / minute)
            seen = [each for each in honest.samples() if each.kind != CONSTANT]
            run.acknowledged += sum(each.kind == "write" and not each.fault for each in seen)
            run.commands += sum(each.kind == "write" for each in seen)
            run.sent += len(seen)
            run.found(*(wrong(f"{each.kind} got {each.fault}") for each in seen if each.fault))
        held = await target.held()
    run.notes.append(
        f"{items[0]:,} items were sent to those who stayed; {run.sent:,} reads and writes, "
        f"p99 of a read {p99(seen, 'read') * 1000:.0f} ms"
    )
    run.notes.append(f"longest stretch of the loop: {held['longestMs']:.0f} ms")
    tell(run, samples)


def tell(run: Run, samples: dict[str, list[tuple[float, float]]]) -> None:
    """Notes the table; what still grows is found."""
    run.notes.append(f"{'':14}{'at first':>10}{'at half':>10}{'at the end':>12}{'growth':>9}{'allowed':>9}")
    for name, figures in samples.items():
        seen, allowed = trend(figures), FLAT[name] * (SHORTLY_FLAT if run.short else 1)
        run.notes.append(
            f"{name:14}{seen.first:10.1f}{seen.middle:10.1f}{seen.last:12.1f}{seen.growth:+9.1f}{allowed:9.1f}"
        )
        if seen.growth > allowed:
            run.found(wrong(f"{name} still grew by {seen.growth:.1f} in the second half"))


async def _look(target: Target, samples: dict[str, list[tuple[float, float]]], at: float) -> None:
    process = target.service.process.pid
    figures = resident_mb(process), open_files(process), await _tasks_that_stay(target)
    for name, figure in zip(FLAT, figures, strict=True):
        samples[name].append((at, figure))


async def _tasks_that_stay(target: Target) -> int:
    """Return the fewest tasks of several looks: requests under way have some, and these come and go."""
    fewest: int = (await target.held())["tasks"]
    for _ in range(LOOKS - 1):
        await asyncio.sleep(BETWEEN_LOOKS)
        fewest = min(fewest, (await target.held())["tasks"])
    return fewest


@asynccontextmanager
async def _subscribers(target: Target, items: list[int]) -> AsyncIterator[None]:
    """They are there until the block ends; whatever ends one of those who stay is found."""
    tasks = [asyncio.create_task(_stay(target, number, items)) for number in range(STAYING)]
    tasks += [asyncio.create_task(_stream(target, number, items)) for number in range(STREAMING)]
    tasks += [asyncio.create_task(_come_and_go(target, target.run.chance("goes", n))) for n in range(2)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _followed(target: Target, number: int) -> dict[str, object]:
    """The operation of the subscriber with this number."""
    query, ids = ((ONE_PRODUCT, target.products), (ORDERS_OF, target.customers), (CHANGES, [""]))[number % 3]
    return {"query": query, "variables": {"id": ids[number // 3 % len(ids)]}}


async def _stay(target: Target, number: int, items: list[int]) -> None:
    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            items[0] += 1
            if b'"error' in frame.data.encode():
                target.complain("a subscriber", frame.data[:160])
        target.complain("a subscriber", f"its socket was closed with {socket.close_code}")

    await _until_cancelled(target, lambda: _subscribed(target, _followed(target, number), listen))


async def _subscribed(
    target: Target,
    operation: Mapping[str, object],
    listen: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]],
) -> None:
    async with target.http.ws_connect(target.url, protocols=("graphql-transport-ws",)) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.send_json({"type": "subscribe", "id": "1", "payload": operation})
        await listen(socket)


async def _stream(target: Target, number: int, items: list[int]) -> None:
    async def listen() -> None:
        headers = {"Accept": "text/event-stream"}
        none = aiohttp.ClientTimeout(total=None)
        async with target.http.post(
            target.url, json=_followed(target, number), headers=headers, timeout=none
        ) as response:
            async for line in response.content:
                items[0] += line.startswith(b"data:")
        target.complain("a subscriber", "its event stream ended")

    await _until_cancelled(target, listen)


async def _until_cancelled(target: Target, listen: Callable[[], Awaitable[None]]) -> None:
    try:
        await listen()
    except (aiohttp.ClientError, OSError) as error:
        target.complain("a subscriber", f"cut off: {type(error).__name__}")


async def _come_and_go(target: Target, chance: Random) -> None:
    """Subscribes, reads a little, and leaves in one way or another; and asks what nobody has asked before."""

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        for _ in range(chance.randint(0, 3)):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await socket.receive()

    while True:
        id = chance.choice(target.orders)
        operation = {"query": ONE_ORDER, "variables": {"id": id}}
        with suppress(aiohttp.ClientError, OSError):
            await _subscribed(target, operation, listen)
        new = (
            f"query ($n: Int) {{ a{chance.randrange(10**9)}: products(first: $n) {{ nodes {{ id name }} }} }}"
        )
        await target.post("one who comes and goes", {"query": new, "variables": {"n": chance.randint(1, 50)}})
        abandoned = orjson.dumps({"query": new}) + b" " * chance.randint(1, 9)
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(chance.uniform(0.0005, 0.01)):
                await target.http.post(
                    target.url, data=abandoned, headers={"Content-Type": "application/json"}
                )
        await asyncio.sleep(chance.uniform(0, PAUSE))
