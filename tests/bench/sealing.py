"""A log whose personal data is sealed, and the same log in the open: reading it, and catching up with it."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, process_time

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.projecting.projector import Projector
from app.declared import EVENTS, READ_MODELS
from app.stores.mongo.embedded.mongod import embedded_mongod
from app.stores.mongo.store import open_read_store
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.bench.shop import Size, fill_log
from tests.bench.tables import table
from tests.keys import keys_of

PORTION = 500
"""Events in a portion, as projectors read them when they catch up."""


@asynccontextmanager
async def log_of(file: Path) -> AsyncIterator[SqlWriteStore]:
    """The log in a file, as a service opens it that has read no key yet."""
    async with open_database(f"sqlite+aiosqlite:///{file}") as engines, keys_of(file) as keys:
        yield SqlWriteStore(engines, EVENTS, keys=keys)


async def read_through(file: Path) -> tuple[int, float]:
    """The number of events, and the seconds of processor time in which all are read."""
    async with log_of(file) as log:
        position, began = 0, process_time()
        while found := await log.read(after=position, limit=PORTION):
            position = found[-1].position
        return position, process_time() - began


async def catch_up(file: Path, mongo: str, models: list[ReadModel]) -> float:
    """The seconds in which projectors build the documents of these read models, one after the other."""
    async with log_of(file) as log, open_read_store(mongo, "sealing") as store:
        for model in models:
            await store.clear(model)
            await store.prepare(model)
        began = monotonic()
        for model in models:
            progress = Progress(model.name, Head())
            await Projector(model, log=log, bus=AsyncioEventBus(), store=store, progress=progress).catch_up()
        return monotonic() - began


async def measure(size: Size, rounds: int, names: list[str]) -> list[list[str]]:
    """The rows of the table; both logs take turns."""
    models = [each for each in READ_MODELS if each.name in names]
    with TemporaryDirectory() as name:
        files = {kind: Path(name, kind, "write.db") for kind in ("open", "sealed")}
        for kind, file in files.items():
            file.parent.mkdir()
            await fill_log(size, file, sealed=kind == "sealed")
        reads: dict[str, list[float]] = {kind: [] for kind in files}
        builds: dict[str, list[float]] = {kind: [] for kind in files}
        async with embedded_mongod(Path(name)) as mongod:
            for _ in range(rounds):
                for kind, file in files.items():
                    events, seconds = await read_through(file)
                    reads[kind].append(seconds)
                    builds[kind].append(await catch_up(file, mongod.url, models))
    rows = []
    for what, found, count in (
        ("reading the log (events per second of CPU)", reads, events),
        (f"catching up: {', '.join(names)}", builds, events * len(models)),
    ):
        opened, hidden = median(found["open"]), median(found["sealed"])
        rows.append([what, f"{count / opened:,.0f}", f"{count / hidden:,.0f}", f"{opened / hidden:.2f}"])
    return rows


def main() -> int:
    """Reads the arguments, measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sealing", description=__doc__)
    parser.add_argument("--orders", type=int, default=3_000)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=["customer_overview", "order_list"])
    wanted = parser.parse_args()
    size = Size(products=200, customers=wanted.customers, orders=wanted.orders)
    rows = asyncio.run(measure(size, wanted.rounds, wanted.models))
    heads = [f"{size}, medians of {wanted.rounds} rounds", "open, events/s", "sealed, events/s", "ratio"]
    print("\n".join(table(heads, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
