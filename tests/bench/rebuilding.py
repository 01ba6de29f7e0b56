"""A rebuild beside readers and commands, and one projector alone: events a second, and reads meanwhile."""

import argparse
import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import aiohttp
import sqlalchemy as sa
from msgspec.structs import replace

from app.command_line.read_models.building import NICENESS
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
from tests.bench.generator import Job, Seen
from tests.bench.loading import LoadFailed, load, percentile
from tests.bench.machine import cores
from tests.bench.queries import QUERIES, variables_for
from tests.bench.shop import Size, made, until_live
from tests.bench.tables import table
from tests.keys import keys_of
from tests.service import running

READERS, READS_PER_SECOND, COMMANDS_PER_SECOND = 16, 400.0, 50.0
WARM_UP, TURN = 0.5, 4.0
"""Seconds of each turn of the load that are left out, and those that are measured."""

REBUILD = "mutation { rebuildReadModel(input: {readModel: %s, keepSeconds: 0}) { errors { message } } }"
SWITCH = r'diptych_rebuild_switch_seconds{read_model="%s"} (\S+)'
PROGRESS = "{ rebuildProgress { readModel state position } }"


class Load:
    """Readers and commands at work in turns, each from a process of its own, and what was measured of them.

    Readers ask at fixed times, so that an answer that comes late counts from when it was due. Without a pace
    each asks as soon as it has its answer, and 16 readers take all that the machine has.
    """

    def __init__(self, port: int, reads: Sequence[bytes], sent: Sequence[bytes], pace: float | None) -> None:
        self._reads = Job(
            port=port, connections=READERS, seconds=TURN, warm_up=WARM_UP, requests=[*reads], pace=pace
        )
        self._sent, self._used = iter(sent), cores(apart=False)
        self._seen: list[tuple[Seen, Seen]] = []

    async def run(self) -> None:
        """Takes turns until cancelled; raises `LoadFailed` at an answer that has errors."""
        while True:
            await self.turn()

    async def turn(self) -> None:
        # No delivery and no order twice: another turn has others.
        sent = [*islice(self._sent, int(COMMANDS_PER_SECOND * (WARM_UP + TURN + 1)))]
        commands = replace(self._reads, connections=8, pace=COMMANDS_PER_SECOND, requests=sent)
        reads, written = await asyncio.gather(*(load(each, self._used) for each in (self._reads, commands)))
        self._seen.append((reads, written))

    def taken(self) -> list[str]:
        """Reads a second since the last call, their median and 99th percentile, and commands on time."""
        seen, self._seen = self._seen, []
        if not seen:
            raise LoadFailed(
                f"It took less than a turn of the load, {TURN:g} s. Measure more, with --orders."
            )
        latencies = [each for reads, _ in seen for each in reads.latencies]
        seconds = sum(reads.seconds for reads, _ in seen)
        p50, p99 = (1000 * percentile(latencies, share) for share in (50, 99))
        on_time = sum(len(each.latencies) for _, each in seen) / sum(each.due for _, each in seen)
        return [f"{len(latencies) / seconds:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{on_time:.2f}"]


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


@asynccontextmanager
async def counting() -> AsyncIterator[None]:
    """A process that only counts, with as little right to the processor as one that builds documents.

    What readers wait for beside it, they wait for because of the cores that all processes share.
    """
    program = f"import os\nos.nice({NICENESS})\nwhile True: pass"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


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


async def measure(size: Size, name: str, turns: int, beside: float, pace: float | None) -> list[list[str]]:
    """Rows of a table: each way, its events a second, and the reads meanwhile.

    The load takes so many turns before the last rebuild, and goes on beside it for at most `beside` seconds.
    """
    with TemporaryDirectory(prefix="bench-", dir="/tmp") as temporary:
        folder = Path(temporary) / "data"
        shutil.copytree(await made(size), folder, ignore=shutil.ignore_patterns("*.sock", "*.log"))
        engine = sa.create_engine(f"sqlite:///{folder}/write.db")
        known, asked = Known.of(engine), variables_for(engine, size.seed)
        engine.dispose()
        reads = [query.over_graphql(each) for query in QUERIES for each in asked[query.name][:300]]
        chance = Random(1)
        chance.shuffle(reads)
        both = zip(deliveries(known, chance, 50_000), orders(known, chance, 50_000), strict=True)
        count, took = await alone(folder, name)
        rows = [["one projector alone", f"{count / took:,.0f}"]]
        async with running(folder, "--no-demo") as service, aiohttp.ClientSession() as http:
            await until_live(service.url)
            reached, took = await rebuilt(service.url, http, name)
            rows.append(["rebuild, nothing else to do", f"{reached / took:,.0f}"])
            port = int(service.url.rpartition(":")[2])
            at_work = Load(port, reads, [each for pair in both for each in pair], pace)
            await at_work.turn()
            at_work.taken()  # What was asked for the first time is compiled and kept now.
            for _ in range(turns):
                await at_work.turn()
            rows.append(["no rebuild", "", *at_work.taken()])
            async with counting():
                for _ in range(turns):
                    await at_work.turn()
            rows.append(["a process that only counts", "", *at_work.taken()])
            working = asyncio.create_task(at_work.run())
            reached, took = await rebuilt(service.url, http, name, beside)
            working.cancel()
            await asyncio.wait([working])
            if not working.cancelled():
                working.result()
            rows.append(["rebuild beside the load", f"{reached / took:,.0f}", *at_work.taken()])
            async with http.get(f"{service.url}/metrics") as answer:
                found = re.search(SWITCH % name, await answer.text())
            print(f"The switch took {1000 * float(found[1] if found else 'nan'):.1f} ms.")
        return [[*row, *[""] * (6 - len(row))] for row in rows]


def main() -> int:
    """Reads the arguments, measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rebuilding", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--model", default="activity", choices=[each.name for each in READ_MODELS])
    parser.add_argument("--turns", type=int, default=5, help=f"of {TURN:g} s with the load, before")
    parser.add_argument("--beside", type=float, default=600.0, help="seconds beside the rebuild, at most")
    parser.add_argument("--reads", type=float, default=READS_PER_SECOND, help="a second; 0 for no pace")
    wanted = parser.parse_args()
    size = Size(orders=wanted.orders)
    measuring = measure(size, wanted.model, wanted.turns, wanted.beside, wanted.reads or None)
    try:
        rows = asyncio.run(measuring)
    except LoadFailed as reason:
        parser.error(str(reason))
    heads = [f"{wanted.model}, {size}", "events/s", "reads/s", "p50, ms", "p99, ms", "commands on time"]
    print("\n".join(table(heads, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
