"""What is measured of a crowd, each with its baseline."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import httpx

from tests.crowd.subscribers import Crowd, subscribing

FOLLOW = """subscription ($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) { cursor lagged product {
        id sku name description category packaging onHand reserved available version
        price { amount currencyCode } } } }"""
ADD = """mutation { addProduct(input: {sku: "CROWD", name: "Tea", category: "Drinks", packaging: "10 boxes",
    unitPrice: {amount: "18.00"}}) { product { id } errors { message } } }"""
RECEIVE = (
    """mutation ($id: ID!) { receiveStock(input: {productId: $id, quantity: 1}) { errors { message } } }"""
)


@dataclass(frozen=True)
class Shop:
    """The service that is measured, and the product that everyone follows."""

    url: str
    process: int
    http: httpx.AsyncClient
    product: str

    async def change(self) -> None:
        """Gives the product a new state."""
        await send(self.http, self.url, RECEIVE, id=self.product)

    def crowd(self, after: str | None = None) -> Crowd:
        """Nobody yet, who are going to follow the product."""
        url = self.url.replace("http", "ws", 1) + "/graphql"
        return Crowd(url, subscribing(FOLLOW, id=self.product, after=after))

    def memory(self) -> int:
        """Bytes that the process holds."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


async def send(http: httpx.AsyncClient, url: str, query: str, **variables: object) -> Any:
    """The data of an operation."""
    answer = (await http.post(f"{url}/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def open_shop(url: str, process: int, http: httpx.AsyncClient) -> Shop:
    """The shop, with a product to follow."""
    added = await send(http, url, ADD)
    return Shop(url, process, http, added["addProduct"]["product"]["id"])


@asynccontextmanager
async def broadcaster() -> AsyncIterator[str]:
    """The URL of the bare broadcast."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.crowd.broadcast", stdout=PIPE)
    assert process.stdout
    try:
        yield f"127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.terminate()
        await process.wait()


async def fan_out(shop: Shop, subscribers: int, rounds: int) -> None:
    """How long a change takes to reach all subscribers to one document."""
    async with broadcaster() as address:
        followers, listeners = shop.crowd(), Crowd(f"ws://{address}/")
        await followers.grow(subscribers)
        await listeners.grow(subscribers)
        ours, theirs = [], []
        for _ in range(rounds + 1):
            ours.append(await _times(followers, shop.change()))
            theirs.append(
                await _times(listeners, shop.http.post(f"http://{address}/", content=followers.last))
            )
        followers.leave()
        listeners.leave()
    print(f"{subscribers} subscribers to one document, {len(followers.last)} bytes each, {rounds} rounds")
    for name, index in (("from the command to the last one", 0), ("from the first one to the last one", 1)):
        diptych, bare = (median(each[index] for each in times[1:]) for times in (ours, theirs))
        both = f"{diptych * 1000:.1f} ms; bare broadcast {bare * 1000:.1f} ms"
        print(f"  {name}: {both}; ratio {diptych / bare:.2f}")


async def _times(crowd: Crowd, change: Any) -> tuple[float, float]:
    """Seconds from the start of `change`, and from the first message, to the last message."""
    crowd.expect()
    began = perf_counter()
    await asyncio.gather(change, crowd.arrival())
    return crowd.last_at - began, crowd.last_at - crowd.first_at


async def idle(shop: Shop, subscribers: int) -> None:
    """What subscribers cost who wait for a document that does not change."""
    crowd = shop.crowd()
    await crowd.grow(100)
    before = shop.memory()
    began = perf_counter()
    await crowd.grow(subscribers - 100)
    took = perf_counter() - began
    each = (shop.memory() - before) / (subscribers - 100)
    print(f"{subscribers} idle subscribers held, who came in {took:.1f} s: {each / 1024:.1f} KiB each")
    since_command, _ = await _times(crowd, shop.change())
    print(f"  a change reaches all of them in {since_command * 1000:.0f} ms")
    crowd.leave()


async def reconnecting(shop: Shop, subscribers: int, rounds: int, seconds: float = 4) -> None:
    """What queries cost while subscribers come back all at once."""
    query = f'{{ product(id: "{shop.product}") {{ name onHand }} }}'
    quiet = await _took(await _asking(shop, query, seconds))
    crowd, busy, took = shop.crowd(), [], []
    await crowd.grow(subscribers)
    for _ in range(rounds):
        cursor = json.loads(crowd.last)["payload"]["data"]["productUpdated"]["cursor"]
        crowd.leave()
        await shop.change()
        asking = await _asking(shop, query, seconds)
        crowd = shop.crowd(after=cursor)
        began = perf_counter()
        await crowd.rush(subscribers)
        took.append(perf_counter() - began)
        busy += await _took(asking)
    crowd.leave()
    print(f"{subscribers} come back at once, each with its cursor: all served within {median(took):.2f} s")
    for name, answers in (("nobody comes", quiet), ("they come", busy)):
        p50, p99 = median(answers) * 1000, quantiles(answers, n=100)[98] * 1000
        longest = max(answers) * 1000
        print(f"  queries while {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {longest:.0f} ms")


async def _asking(shop: Shop, query: str, seconds: float) -> Process:
    """A process that asks, once it has begun to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crowd.asking", shop.url, query, str(seconds)), stdout=PIPE
    )
    assert process.stdout
    await process.stdout.readline()
    return process


async def _took(asking: Process) -> list[float]:
    """The seconds that each answer took."""
    printed, _ = await asking.communicate()
    took: list[float] = json.loads(printed)
    return took
