"""Readers and writers who ask for nothing unusual, in a process of their own: `… URL PORT FILE PAUSE IDS`.

Each answer is a line of JSON in the file: its kind, when it was asked for, and how many seconds it took.
One of them asks another process at the port, which does the same small work for each request
(`… constant PORT`): if that takes longer, it is because of the machine.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import SIGTERM
from time import monotonic
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from tests.faults.hostile.target import PATIENCE, Target
from tests.ports import free_port

READERS, WRITERS = 3, 1
CONSTANT = "constant"
"""The kind of the request to a process that nobody attacks."""

WORK = 10_000
"""Additions for such a request, which take about half a millisecond."""

PAUSE = 0.02
"""Seconds between an answer and the next request, by default."""

READS = (
    "query ($id: ID!) { product(id: $id) { id name price { amount } available } }",
    "query ($id: ID!) { product(id: $id) { name } products(first: 20) { nodes { id name } totalCount } }",
    "query ($id: ID!) { product(id: $id) { sku } orders(first: 20) { nodes { id status } } }",
)
WRITE = """mutation ($id: ID!) { receiveStock(input: {productId: $id, quantity: 1}) {
    receipt { token } errors { code } } }"""


@dataclass(frozen=True)
class Sample:
    kind: str
    at: float
    seconds: float
    fault: str


class Honest:
    """Who is watched, and what became of them so far."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def at_work(self) -> None:
        """Waits until everybody has had an answer."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if {sample.kind for sample in self.samples()} == {"read", "write", CONSTANT}:
                    return
                await asyncio.sleep(0.05)

    def samples(self, since: float = 0.0, until: float = float("inf")) -> list[Sample]:
        """What was asked for in this time."""
        lines = self._file.read_bytes().splitlines(keepends=True)
        samples = [Sample(**orjson.loads(line)) for line in lines if line.endswith(b"\n")]
        return [each for each in samples if since <= each.at < until]


def p99(samples: list[Sample], kind: str) -> float:
    """Seconds that one of a hundred exceeds."""
    seconds = sorted(sample.seconds for sample in samples if sample.kind == kind)
    return seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))] if seconds else 0.0


@asynccontextmanager
async def honest_clients(target: Target, *, pause: float = PAUSE) -> AsyncIterator[Honest]:
    """They are at work until the block ends, with a pause in seconds after each answer."""
    file = target.run.folder / "honest.jsonl"
    file.touch()
    program, port = (sys.executable, "-m", "tests.faults.hostile.honest"), str(free_port())
    constant = await asyncio.create_subprocess_exec(*program, CONSTANT, port, stdout=PIPE)
    assert constant.stdout
    async with asyncio.timeout(PATIENCE):
        await constant.stdout.readline()  # It listens.
    process = await asyncio.create_subprocess_exec(
        *program, target.url, port, str(file), str(pause), *target.products
    )
    try:
        yield Honest(file)
    finally:
        for each in (process, constant):
            each.send_signal(SIGTERM)
            await each.wait()


async def _act(
    kind: str,
    url: str,
    file: Path,
    products: list[str],
    http: aiohttp.ClientSession,
    pause: float,
    chance: Random,
) -> None:
    with file.open("ab", buffering=0) as written:
        while True:
            query = WRITE if kind == "write" else chance.choice(READS)
            at, fault = monotonic(), ""
            try:
                body = {"query": query, "variables": {"id": chance.choice(products)}}
                async with asyncio.timeout(PATIENCE), http.post(url, json=body) as response:
                    answer = await response.json()
                    if errors := answer.get("errors"):
                        fault = f"{response.status} {errors[0]['message'][:100]}"
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
                fault = type(error).__name__
            sample = {"kind": kind, "at": at, "seconds": monotonic() - at, "fault": fault}
            written.write(orjson.dumps(sample) + b"\n")
            await asyncio.sleep(pause)


async def main(url: str, port: int, file: Path, pause: float, products: list[str]) -> None:
    """Reads and writes until SIGTERM."""
    kinds = ["read"] * READERS + ["write"] * WRITERS + [CONSTANT]
    urls = {CONSTANT: f"http://127.0.0.1:{port}/"}
    async with aiohttp.ClientSession() as http:
        await asyncio.gather(
            *(
                _act(kind, urls.get(kind, url), file, products, http, pause, Random(n))
                for n, kind in enumerate(kinds)
            )
        )


async def constant(port: int) -> None:
    """Does the same work for each request until SIGTERM."""

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.json_response({"data": sum(range(WORK))})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("listens", flush=True)
    await asyncio.Event().wait()


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    running = asyncio.current_task()
    assert running
    asyncio.get_running_loop().add_signal_handler(SIGTERM, running.cancel)
    with suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["constant", port]:
            asyncio.run(_until_stopped(constant(int(port))))
        case [url, port, file, pause, *products]:
            asyncio.run(_until_stopped(main(url, int(port), Path(file), float(pause), products)))
