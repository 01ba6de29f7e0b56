"""Readers and writers who ask for nothing unusual, in a process of their own: `… URL FILE PAUSE IDS`.

Each answer is a line of JSON in the file: its kind, when it was asked for, and how many seconds it took.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import SIGTERM
from time import monotonic

import aiohttp
import orjson

from tests.faults.hostile.target import PATIENCE, Target

READERS, WRITERS = 3, 1
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
                if {sample.kind for sample in self.samples()} == {"read", "write"}:
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
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.hostile.honest", target.url, str(file), str(pause)),
        *target.products,
    )
    try:
        yield Honest(file)
    finally:
        process.send_signal(SIGTERM)
        await process.wait()


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


async def main(url: str, file: Path, pause: float, products: list[str]) -> None:
    """Reads and writes until SIGTERM."""
    running = asyncio.current_task()
    assert running
    asyncio.get_running_loop().add_signal_handler(SIGTERM, running.cancel)
    kinds = ["read"] * READERS + ["write"] * WRITERS
    async with aiohttp.ClientSession() as http:
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                *(_act(kind, url, file, products, http, pause, Random(n)) for n, kind in enumerate(kinds))
            )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
