"""Statements through aiosqlite: one trip to its thread each, and all that SQLAlchemy asks of them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.stores.sql.engines.sqlite_connection import Driver, ReadingConnection, SqliteRows, WritingConnection

teas = Table(
    "teas",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, unique=True),
)


def prepare(driver: sqlite3.Connection) -> None:
    driver.execute("PRAGMA journal_mode=WAL")
    driver.execute("PRAGMA busy_timeout=5000")


def engine_of(kind: type[ReadingConnection], folder: Path) -> AsyncEngine:
    return create_async_engine(f"sqlite+aiosqlite:///{folder}/teas.db", module=Driver(kind, prepare))


@pytest.fixture(params=[ReadingConnection, WritingConnection])
async def connection(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    engine = engine_of(request.param, tmp_path)
    async with engine.connect() as connection:
        await connection.run_sync(teas.metadata.create_all)
        await connection.commit()
        yield connection
    await engine.dispose()


@pytest.fixture
async def writer(tmp_path: Path, connection: AsyncConnection) -> AsyncIterator[AsyncConnection]:
    """Another connection to the same teas."""
    engine = engine_of(NotedTransactions, tmp_path)
    async with engine.connect() as writer:
        yield writer
    await engine.dispose()


class Noted(ReadingConnection):
    """A connection that notes what is done in its thread; others in this process have trips of their own."""

    trips: ClassVar[list[str]] = []

    async def in_thread(self, work: Callable[..., object], *arguments: object) -> None:
        self.trips.append(getattr(work, "__name__", ""))
        await super().in_thread(work, *arguments)

    async def close(self) -> None:
        self.trips.append("close")
        await super().close()


class NotedTransactions(Noted, WritingConnection):
    """The same for one that carries out whole transactions."""


@pytest.fixture
def trips() -> list[str]:
    """Return what is done from here on in the threads of connections that note it."""
    Noted.trips.clear()
    return Noted.trips


async def test_a_statement_takes_one_trip(tmp_path: Path, trips: list[str]) -> None:
    engine = engine_of(Noted, tmp_path)
    async with engine.connect() as connection:
        await connection.run_sync(teas.metadata.create_all)
        trips.clear()
        await connection.execute(teas.insert(), [{"name": "Chai"}, {"name": "Sencha"}])
        found = await connection.execute(select(teas.c.name).order_by("name"))
        assert found.scalars().all() == ["Chai", "Sencha"]
    await engine.dispose()
    assert trips == ["_check_and_run", "_check_and_run", "close"]


async def test_a_transaction_that_writes_takes_two_trips(writer: AsyncConnection, trips: list[str]) -> None:
    for rows in (writer, SqliteRows(writer)):
        for name in ("Chai", "Sencha"):
            assert (await rows.execute(select(teas).where(teas.c.name == name))).all() == []
            await rows.execute(teas.insert(), [{"name": name}])
            await rows.execute(update(teas).where(teas.c.name == name).values(name=uuid4().hex))
            assert (await rows.execute(select(teas).where(teas.c.name == name))).all() == []
            await rows.commit()
    assert trips == ["_begin_with", "_commit_and_check"] * 4


async def test_a_transaction_that_writes_is_undone_unless_it_was_committed(
    tmp_path: Path, writer: AsyncConnection, connection: AsyncConnection
) -> None:
    await writer.execute(teas.insert(), {"name": "Chai"})
    await writer.rollback()
    await writer.execute(teas.insert(), {"name": "Sencha"})
    await writer.commit()
    assert (await connection.execute(select(teas.c.name))).scalars().all() == ["Sencha"]


async def test_who_waits_for_anothers_transaction_keeps_nobody_else_waiting(
    tmp_path: Path, writer: AsyncConnection
) -> None:
    engine = engine_of(WritingConnection, tmp_path)
    async with engine.connect() as other:
        await writer.execute(teas.insert(), {"name": "Chai"})
        waiting = asyncio.create_task(other.execute(select(teas.c.name)))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        await writer.commit()
        assert (await waiting).scalars().all() == ["Chai"]
    await engine.dispose()


async def test_who_gives_up_waiting_for_the_lock_does_not_keep_it(
    tmp_path: Path, writer: AsyncConnection
) -> None:
    engine = engine_of(WritingConnection, tmp_path)

    async def wait() -> None:
        async with engine.connect() as other:
            await other.execute(select(teas.c.name))

    await writer.execute(teas.insert(), {"name": "Chai"})
    waiting = asyncio.create_task(wait())
    await asyncio.wait([waiting], timeout=0.05)
    waiting.cancel()
    await writer.commit()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await writer.execute(teas.insert(), {"name": "Sencha"})
    await writer.commit()
    await engine.dispose()


async def test_gives_rows_counts_and_new_keys(connection: AsyncConnection) -> None:
    added = await connection.execute(teas.insert().values(name="Chai"))
    assert added.inserted_primary_key == (1,)
    renamed = update(teas).values(name="Masala Chai")
    assert (await connection.execute(renamed.where(teas.c.id == 1))).rowcount == 1
    assert (await connection.execute(renamed.where(teas.c.id == 2))).rowcount == 0
    assert (await connection.execute(renamed.returning(teas.c.name))).scalar_one() == "Masala Chai"
    found = await connection.execute(select(teas).where(teas.c.id == 2))
    assert (list(found.keys()), found.all()) == (["id", "name"], [])


async def test_a_statement_that_fails_fails_alone(connection: AsyncConnection) -> None:
    await connection.execute(teas.insert().values(name="Chai"))
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await connection.execute(teas.insert(), [{"name": "Sencha"}, {"name": "Chai"}])
    with pytest.raises(OperationalError, match="syntax error"):
        await connection.execute(text("brew"))
    assert (await connection.execute(select(teas.c.name))).scalars().first() == "Chai"


async def test_a_statement_that_fails_in_a_transaction_says_so_at_once(writer: AsyncConnection) -> None:
    rows = SqliteRows(writer)
    await rows.execute(teas.insert(), {"name": "Chai"})
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await rows.execute(teas.insert(), {"name": "Chai"})
    with pytest.raises(OperationalError, match="syntax error"):
        await rows.execute(text("brew"))
    assert (await rows.execute(select(teas.c.name))).scalars().all() == ["Chai"]


async def test_rows_come_one_by_one_and_in_portions(connection: AsyncConnection) -> None:
    await connection.execute(teas.insert(), [{"name": name} for name in "ABCDE"])
    found = await connection.execute(select(teas.c.name).order_by("name"))
    assert [row.name for row in (found.fetchone(), *found.fetchmany(2), *found)] == list("ABCDE")


@pytest.mark.parametrize("kind", [ReadingConnection, WritingConnection])
async def test_who_gives_up_a_statement_leaves_the_connection_usable(
    tmp_path: Path, kind: type[ReadingConnection]
) -> None:
    engine = engine_of(kind, tmp_path)
    async with engine.connect() as connection:
        given_up = asyncio.create_task(connection.execute(text("select 1")))
        while not given_up.done():
            await asyncio.sleep(0)
            given_up.cancel()
    async with engine.connect() as connection:
        assert (await connection.execute(text("select 2"))).scalar_one() == 2
    await engine.dispose()


async def test_a_file_that_is_no_database_is_closed_at_once(tmp_path: Path) -> None:
    """Python 3.13 and later warn of a connection that is collected open, in whatever runs at that moment."""
    (tmp_path / "teas.db").write_text("Dear diary, today nothing happened.")
    opened: list[sqlite3.Connection] = []

    def noting(driver: sqlite3.Connection) -> None:
        opened.append(driver)
        prepare(driver)

    driver = Driver(ReadingConnection, noting)
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/teas.db", module=driver)
    with pytest.raises(DatabaseError, match="file is not a database"):
        async with engine.connect():
            pass
    await engine.dispose()
    driver.wait_for_threads(engine.sync_engine)
    [connection] = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        connection.total_changes  # noqa: B018
