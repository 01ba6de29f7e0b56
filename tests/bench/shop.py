"""The shop that is measured: made once from a seed, kept between runs, and copied for each of them.

Its commands are those of the demo shop, carried out by the real handlers. Only the transactions differ: all
of them are one, on a plain connection, because tens of thousands of commits would take minutes.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
from sqlalchemy import Connection, CursorResult, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.write_store import Cause
from app.declared import EVENTS, HANDLERS, RULES
from app.demo.filling import fill
from app.demo.plan import Shop
from app.stores.sql.codec import EventCodec
from app.stores.sql.engines.opening import open_database
from app.stores.sql.groups import SqlGroup
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.transactions import SqlWork
from tests.keys import keys_of
from tests.service import running

PROJECT = Path(__file__).parents[2]
KEPT = PROJECT / "data" / "bench"
"""Where made shops are kept; each can be deleted at any time."""

_MADE_BY = (
    *(
        "app/values.py",
        "app/cqrs/messages.py",
        "app/cqrs/commands/aggregates.py",
        "app/cqrs/searching",
    ),
    *("app/domain", "app/demo", "app/read_models", "app/migrations", "app/stores/sql/transactions.py"),
)
"""The code that says what rows, events and documents look like."""

LONGEST_REBUILD = 600.0
"""Seconds, for a shop of the usual size."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the shop is."""

    products: int = 2_000
    customers: int = 1_000
    orders: int = 20_000
    seed: int = 1

    def __str__(self) -> str:
        return (
            f"{self.products:,} products, {self.customers:,} customers, {self.orders:,} orders, "
            f"seed {self.seed}"
        )


class _Rows:
    """A plain connection that looks like an asynchronous one, but hops to no thread and commits nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, *statement: Any) -> CursorResult[Any]:
        return self._connection.execute(*statement)

    async def commit(self) -> None:
        pass


class _OneTransaction:
    """A write store whose units of work all belong to the same transaction."""

    def __init__(self, connection: Connection, keys: PersonKeys | None) -> None:
        self._rows = cast("AsyncConnection", _Rows(connection))
        self._codec = EventCodec(EVENTS, keys)

    @asynccontextmanager
    async def begin(self, cause: Cause) -> AsyncIterator[SqlWork]:
        yield SqlWork(self._rows, cause, self._codec)

    @asynccontextmanager
    async def begin_group(self) -> AsyncIterator[SqlGroup]:
        yield SqlGroup(self._rows, self._codec)

    def meaning_of(self, error: Exception) -> Exception:
        return error


async def made(size: Size) -> Path:
    """The data folder of a shop of this size: the one that is kept, or a new one."""
    folder = KEPT / _key(size)
    if not folder.exists():
        print(f"Making a shop once: {size} ...", flush=True)
        unfinished = KEPT / f"{folder.name}.unfinished"
        for former in KEPT.glob(f"{_named(size)}-*"):  # of other code, or not finished
            shutil.rmtree(former)
        unfinished.mkdir(parents=True)
        await fill_log(size, unfinished / "write.db")
        async with running(unfinished, "--no-demo") as service:
            await until_live(service.url, LONGEST_REBUILD * max(1.0, size.orders / Size.orders))
        unfinished.rename(folder)
    return folder


async def until_live(url: str, patience: float = LONGEST_REBUILD) -> None:
    """Returns once all read models have caught up, within so many seconds."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(patience):
        while True:
            async with http.get(f"{url}/health/ready") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def fill_log(size: Size, file: Path, *, sealed: bool = True) -> None:
    """Makes a write store with this shop: `sealed`, or as programs made it before they sealed anything."""
    async with open_database(f"sqlite+aiosqlite:///{file}"), keys_of(file) as keys:
        await _fill(size, file, keys if sealed else None)


async def _fill(size: Size, file: Path, keys: PersonKeys | None) -> None:
    shop = Shop(products=size.products, customers=size.customers, orders=size.orders, seed=size.seed)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        bus = CommandBus(
            _OneTransaction(connection, keys),
            HANDLERS,
            RULES,
            committed=lambda _receipt, _actor: None,
            keyed=keys.keyed if keys else str,
        )
        await fill(shop, bus)
    engine.dispose()


def _key(size: Size) -> str:
    code = hashlib.sha256()
    for source in _sources(PROJECT / part for part in _MADE_BY):
        code.update(source.read_bytes())
    return f"{_named(size)}-{code.hexdigest()[:12]}"


def _named(size: Size) -> str:
    return f"{size.products}-{size.customers}-{size.orders}-{size.seed}"


def _sources(parts: Iterable[Path]) -> Iterable[Path]:
    for part in parts:
        files = sorted(part.rglob("*")) if part.is_dir() else [part]
        yield from (file for file in files if file.suffix in {".py", ".csv", ".toml"})
