"""The home of SQL drivers: engines, column types, and the schema that all tables belong to."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import OperationalError
from time import monotonic, sleep
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, TypeDecorator, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.cqrs.command_bus import WriteStoreUnavailable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the write store, the event log's and the contexts'."""

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_PRAGMAS: Mapping[str, str] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its offset in Python and always UTC in the table."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuses a time without an offset: it could mean any moment."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Gives back the offset that SQLite does not keep."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


@dataclass(frozen=True)
class Engines:
    """One way in for writing and another for following the log, so that neither waits for the other."""

    writing: AsyncEngine
    reading: AsyncEngine


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Engines]:
    """Opens the write store at an SQLAlchemy URL, migrates it, and closes it in the end.

    Raises `WriteStoreUnavailable`, whose text says what is wrong with the store or its URL.
    """
    with _explained():
        # SQLite has one writer at a time: a pool of one makes the others queue here, in order.
        writing = create_async_engine(url, pool_size=1, max_overflow=0)
        reading = create_async_engine(url, pool_size=4, max_overflow=0)
    _prepare_sqlite(writing.sync_engine, begin="BEGIN IMMEDIATE")
    _prepare_sqlite(reading.sync_engine, begin="BEGIN")
    try:
        with _explained():
            async with writing.connect() as connection:
                await connection.run_sync(_migrate)
        yield Engines(writing, reading)
    finally:
        await reading.dispose()
        await writing.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, CommandError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).rstrip(".")
        raise WriteStoreUnavailable(f"Can't open the write store: {reason}.") from error


def _prepare_sqlite(engine: Engine, *, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # Transactions begin where we say so, not where the driver guesses.
        cursor = connection.cursor()
        for name, value in _PRAGMAS.items():
            _set_pragma(cursor, name, value)
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _set_pragma(cursor: Any, name: str, value: str) -> None:
    # A new file's change to WAL does not wait for a lock, unlike all else: another process may be at it.
    give_up = monotonic() + 5
    while True:
        try:
            cursor.execute(f"PRAGMA {name}={value}")
        except OperationalError:
            if monotonic() > give_up:
                raise
            sleep(0.01)
        else:
            return


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
