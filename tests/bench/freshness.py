"""How soon a change is seen: at 50 commands a second with 200 subscribers, and by a rebuild from the log."""

from dataclasses import dataclass
from random import Random
from time import monotonic

import msgspec
import sqlalchemy as sa
from pymongo import AsyncMongoClient

from app.stores.sql.transactions import events
from tests.bench.candidates import Candidate, Stores, started
from tests.bench.commands import Known, deliveries
from tests.bench.loading import given, percentile
from tests.bench.machine import Cores, spent_by
from tests.bench.shop import until_live
from tests.bench.watching import Watched, WatchJob

PACE = 50.0
"""Commands a second."""

SUBSCRIBERS = 200

WARM_UP = 1.0


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Milliseconds from a command to what 200 subscribers see of it."""

    name: str
    kept: float
    from_receipt: tuple[float, float]
    """Median and 99th percentile."""
    from_sending: tuple[float, float]
    cpu: float
    """The server's, as a share of its core."""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """What it took to make all documents anew."""

    name: str
    events: int
    seconds: float
    cpu: float
    mongod_cpu: float
    """Seconds."""


async def measure_freshness(
    candidate: Candidate, stores: Stores, known: Known, seconds: float, cores: Cores
) -> Freshness:
    """Every subscriber follows the product that every command changes."""
    product = known.products[0]
    async with started(candidate, stores, cores) as server:
        await until_live(server.url)
        job = WatchJob(
            port=server.port,
            product=product,
            subscribers=SUBSCRIBERS,
            commands=deliveries(Known([product], []), Random(1), 1),
            pace=PACE,
            seconds=seconds,
            warm_up=WARM_UP,
            server=server.process,
        )
        watched = msgspec.msgpack.decode(await given("tests.bench.watching", job, cores), type=Watched)
    return Freshness(
        name=candidate.name,
        kept=watched.kept,
        from_receipt=_milliseconds(watched.from_receipt),
        from_sending=_milliseconds(watched.from_sending),
        cpu=watched.spent.cpu / seconds,
    )


async def measure_rebuild(candidate: Candidate, stores: Stores, cores: Cores) -> Rebuild:
    """Drops all documents, and has them made again from the log."""
    engine = sa.create_engine(f"sqlite:///{stores.write_store}")
    with engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()
    engine.dispose()
    async with AsyncMongoClient[dict[str, object]](stores.mongodb_url) as client:
        await client.drop_database(stores.of(candidate).database)
    async with started(candidate, stores, cores) as server:
        began, mongod = monotonic(), spent_by(stores.mongod)
        await until_live(server.url)
        return Rebuild(
            name=candidate.name,
            events=count,
            seconds=monotonic() - began,
            cpu=spent_by(server.process).cpu,
            mongod_cpu=spent_by(stores.mongod).since(mongod).cpu,
        )


def _milliseconds(seconds: list[float]) -> tuple[float, float]:
    return 1000 * percentile(seconds, 50), 1000 * percentile(seconds, 99)
