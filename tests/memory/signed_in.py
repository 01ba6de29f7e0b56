"""Compares what an answer from memory costs for a signed-in viewer and for one who sends no token, in turns:

python -m tests.memory.signed_in --rounds 300

First over HTTP, then with the requests handed to a connection in this process: without the kernel's part,
which is the same for all, and the noise in it.
"""

import argparse
import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from random import sample
from statistics import median
from time import thread_time
from typing import Any

import httpx

from app.access.development import development_token
from app.config import Settings
from app.cqrs.viewers import Sight
from app.main import create_app
from app.server.connections.http import HTTPConnection
from app.stores.mongo.embedded.mongod import embedded_mongod
from tests.crowd.measurements import open_shop
from tests.inprocess import serving_app
from tests.memory.compare import PRODUCT, cpu, started
from tests.memory.requests import body, send_all
from tests.schema.client import Client
from tests.schema.shop import Shop

REQUESTS = 200
"""Requests in a round."""

CONNECTIONS: list[HTTPConnection] = []


class Kept(HTTPConnection):
    """A connection that can be found again."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the connection."""
        super().connection_made(transport)
        CONNECTIONS.append(self)


class Counted:
    """A transport that counts what is written instead of sending it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.written = self.ok = 0

    def write(self, data: bytes) -> None:
        """Count an answer."""
        self.written += 1
        self.ok += data.startswith(b"HTTP/1.1 200 ")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def request(asked: bytes, header: str) -> bytes:
    """The bytes of a request with one header more."""
    head = (
        "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/graphql-response+json\r\n{header}Content-Length: {len(asked)}\r\n\r\n"
    )
    return head.encode() + asked


def _headers(token: str) -> dict[str, str]:
    """The last one shows how much of the difference any header of that length makes."""
    staff = f"Authorization: Bearer {token}\r\n"
    return {"anonymous": "", "staff": staff, "anonymous, another header": staff.replace("A", "X", 1)}


async def _compare(settings: Settings, rounds: int) -> None:
    token = development_token(settings, settings.data_dir, Sight.STAFF, "ada", hours=1)
    headers = _headers(token)
    async with serving_app(create_app(settings), http=Kept) as port, httpx.AsyncClient(timeout=60) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        client = Client(f"http://127.0.0.1:{port}", http)
        product = await Shop(client).product()
        assert (await client.send(PRODUCT, {"id": product})).data["product"]  # It waits until it is shown.
        asked = body(PRODUCT, id=product)
        requests = {name: request(asked, header) for name, header in headers.items()}
        for each in requests.values():  # until each is answered from memory
            for _ in range(4):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(each)
                await reader.readuntil(b"}]}}")
                connection = CONNECTIONS[-1]
        counted = Counted(connection.transport)
        connection.transport = counted  # type: ignore[assignment]
        costs: dict[str, list[float]] = {name: [] for name in requests}
        for _ in range(rounds):
            for name in sample(list(requests), len(requests)):
                before, sent = counted.ok, requests[name]
                began = thread_time()
                for _ in range(REQUESTS):
                    connection.data_received(sent)
                costs[name].append((thread_time() - began) / REQUESTS * 1e6)
                assert counted.ok - before == REQUESTS, "each is answered at once"
            await asyncio.sleep(0)
        writer.close()
    _print(costs)


def _print(costs: dict[str, list[float]]) -> None:
    for name, cost in costs.items():
        ratio = median(first / each for first, each in zip(costs["anonymous"], cost, strict=True))
        print(f"{name}: {median(cost):.2f} µs, at best {min(cost):.2f}; ratio {ratio:.3f}")


async def _compare_over_http(rounds: int) -> None:
    async with AsyncExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory())
        settings = Settings(data_dir=Path(data_dir), auth="development")
        token = development_token(settings, settings.data_dir, Sight.STAFF, "ada", hours=1)
        process, url = await started(Path(), data_dir, stack, AUTH="development", POINTS_PER_MINUTE="0")
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        http.headers["Authorization"] = f"Bearer {token}"
        asked = body(PRODUCT, id=(await open_shop(url, process.pid, http)).product)
        headers = _headers(token)
        costs: dict[str, list[float]] = {name: [] for name in headers}
        for turn in range(rounds + 1):
            for name in sample(list(headers), len(headers)):
                before, each = cpu(process), (asked for _ in range(5 * REQUESTS))
                assert await send_all(url, each, header=headers[name].strip()) == 5 * REQUESTS
                if turn:  # the first one warms up
                    costs[name].append((cpu(process) - before) / (5 * REQUESTS) * 1e6)
    _print(costs)


async def _main(rounds: int) -> None:
    print("Over HTTP, without budgets, all of the server's main thread:")
    await _compare_over_http(rounds)
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_mongod(Path(folder) / "mongod") as mongod:
            for points in (None, 0):
                settings = Settings(
                    data_dir=Path(folder) / f"{points}",
                    mongodb_url=mongod.url,
                    mongodb_database=f"points{points}",
                    read_cache_mb=64,
                    auth="development",
                    points_per_minute=1_000_000_000 if points is None else 0,
                )
                print("With a budget for each viewer:" if points is None else "Without budgets:")
                await _compare(settings, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    asyncio.run(_main(parser.parse_args().rounds))
