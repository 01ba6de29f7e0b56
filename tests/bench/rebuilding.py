"""A rebuild beside readers and commands, and one projector alone: events a second, and reads meanwhile."""

import argparse
import asyncio
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from signal import SIGTERM
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import aiohttp
import sqlalchemy as sa

from app.cqrs.freshness.progress import Progress
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.projecting.projector import Projector
from app.declared import EVENTS, READ_MODELS
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.store import open_read_store
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.bench.commands import Known, deliveries, orders
from tests.bench.loading import percentile
from tests.bench.queries import QUERIES, variables_for
from tests.bench.shop import Size, made, until_live
from tests.bench.tables import table
from tests.keys import keys_of
from tests.service import running

READERS, COMMANDS_PER_SECOND = 16, 50.0
REBUILD = "mutation { rebuildReadModel(input: {readModel: %s, keepSeconds: 0}) { errors { message } } }"
PROGRESS = "{ rebuildProgress { readModel state position } }"


class Load:
    """Readers and commands at work until the block ends, and how long reads took."""

    def __init__(
        self, url: str, http: aiohttp.ClientSession, reads: Sequence[Any], sent: Sequence[Any]
    ) -> None:
        self.url, self.http, self.reads, self.sent = f"{url}/graphql", http, reads, sent
        self.seconds: list[float] = []
        self.commands = self.errors = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(READERS):
                group.create_task(self._read(Random(number)))
            group.create_task(self._command())

    async def _read(self, chance: Random) -> None:
        while True:
            began = monotonic()
            await self._ask(chance.choice(self.reads))
            self.seconds.append(monotonic() - began)

    async def _command(self) -> None:
        due = monotonic()
        for command in self.sent:
            await asyncio.sleep(max(0.0, due - monotonic()))
            await self._ask(command)
            self.commands += 1
            due += 1 / COMMANDS_PER_SECOND

    async def _ask(self, body: Any) -> None:
        async with self.http.post(self.url, json=body) as answer:
            self.errors += "errors" in await answer.json()

    def taken(self) -> tuple[int, float, float]:
        """The number of reads since the last call, and the median and 99th percentile in milliseconds."""
        seconds, self.seconds = self.seconds, []
        return len(seconds), 1000 * percentile(seconds, 50), 1000 * percentile(seconds, 99)


async def alone(folder: Path, name: str) -> tuple[int, float]:
    """The events of the log, and the seconds in which one projector applies them all, with nothing else."""
    [model] = [each for each in READ_MODELS if each.name == name]
    async with (
        embedded_mongod(folder) as mongod,
        open_database(f"sqlite+aiosqlite:///{folder}/write.db") as engines,
        keys_of(folder / "write.db") as keys,
        open_read_store(mongod.url, "alone") as store,
    ):
        log = SqlWriteStore(engines, EVENTS, keys=keys)
        await store.prepare(model)
        progress = Progress(name, Head())
        began = monotonic()
        await Projector(model, log=log, bus=AsyncioEventBus(), store=store, progress=progress).catch_up()
        return progress.position, monotonic() - began


async def rebuilt(
    url: str, http: aiohttp.ClientSession, name: str, at_most: float = float("inf")
) -> tuple[int, float]:
    """Rebuild until the new documents serve, or for so many seconds; return its position, and the seconds."""

    async def ask(query: str) -> Any:
        async with http.post(f"{url}/graphql", json={"query": query}) as answer:
            return (await answer.json())["data"]

    began = monotonic()
    await ask(REBUILD % name.upper())
    while True:
        [found] = [e for e in (await ask(PROGRESS))["rebuildProgress"] if e["readModel"] == name.upper()]
        if found["state"] in ("SWITCHED", "FINISHED") or monotonic() - began > at_most:
            return int(found["position"]), monotonic() - began
        await asyncio.sleep(0.05)


async def measure(size: Size, name: str, seconds: float, beside: float) -> list[list[str]]:
    """Rows of a table: each way, its events a second, and the reads meanwhile.

    The load lasts `seconds` before the last rebuild, and goes on beside that for as many as `beside` says.
    """
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as temporary:
        folder = Path(temporary) / "data"
        shutil.copytree(await made(size), folder, ignore=shutil.ignore_patterns("*.sock", "*.log"))
        engine = sa.create_engine(f"sqlite:///{folder}/write.db")
        known, asked = Known.of(engine), variables_for(engine, size.seed)
        engine.dispose()
        reads = [
            {"query": query.text, "variables": dict(each)}
            for query in QUERIES
            for each in asked[query.name][:300]
        ]
        chance = Random(1)
        both = zip(deliveries(known, chance, 50_000), orders(known, chance, 50_000), strict=True)
        sent = [_body(each) for pair in both for each in pair]
        count, took = await alone(folder, name)
        rows = [["one projector alone", f"{count / took:,.0f}", "", "", ""]]
        async with running(folder, "--no-demo") as service, aiohttp.ClientSession() as http:
            await until_live(service.url)
            reached, took = await rebuilt(service.url, http, name)
            rows.append(["rebuild, nothing else to do", f"{reached / took:,.0f}", "", "", ""])
            load = Load(service.url, http, reads, sent)
            working = asyncio.create_task(load.run())
            await asyncio.sleep(2)
            load.taken()
            await asyncio.sleep(seconds)
            number, p50, p99 = load.taken()
            rows.append(["no rebuild", "", f"{number / seconds:,.0f}", f"{p50:.1f}", f"{p99:.1f}"])
            reached, took = await rebuilt(service.url, http, name, beside)
            number, p50, p99 = load.taken()
            rates = f"{reached / took:,.0f}", f"{number / took:,.0f}"
            rows.append(["rebuild beside the load", *rates, f"{p50:.1f}", f"{p99:.1f}"])
            working.cancel()
            await asyncio.wait([working])
            print(f"{load.commands} commands beside, {load.errors} errors")
            print(re.findall(r"Other documents serve.*", await service.stop(SIGTERM)))
        return rows


def _body(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def main() -> int:
    """Reads the arguments, measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rebuilding", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--model", default="activity", choices=[each.name for each in READ_MODELS])
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the load is measured before")
    parser.add_argument("--beside", type=float, default=600.0, help="and beside the rebuild, at most")
    wanted = parser.parse_args()
    size = Size(orders=wanted.orders)
    rows = asyncio.run(measure(size, wanted.model, wanted.seconds, wanted.beside))
    heads = [f"{wanted.model}, {size}", "events/s", "reads/s", "read p50, ms", "p99, ms"]
    print("\n".join(table(heads, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
