"""SQLite as the write store: one writer at a time, in a file that loses nothing."""

from collections.abc import Awaitable, Callable, Mapping
from sqlite3 import Connection as File
from sqlite3 import OperationalError
from time import monotonic, sleep

from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.stores.sqlite_connection import AtOnce, Driver, WholeStatements, WholeTransactions

_PRAGMAS: Mapping[str, str] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
}
_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


class Sqlite:
    """What is SQLite's own way."""

    def writing(self, url: URL) -> AsyncEngine:
        """One connection, for there is one writer at a time: the others queue here, in order."""
        return _engine(url, WholeTransactions, connections=1)

    def reading(self, url: URL) -> AsyncEngine:
        """Connections that read while another writes; every statement sees the newest commits."""
        return _engine(url, WholeStatements, connections=4)

    def rows(self, connection: AsyncConnection) -> AtOnce:
        """What a command's transaction reads and writes its rows through."""
        return AtOnce(connection)

    def take_turns(self, _connection: Connection) -> None:
        """Migrations have the file for themselves once their transaction has begun."""

    def lost_a_race(self, error: DBAPIError) -> bool:
        """Whether someone else took a key first."""
        return getattr(error.orig, "sqlite_errorname", None) in _TAKEN

    def is_full(self, error: DBAPIError) -> bool:
        """Whether the disk has no room left."""
        return getattr(error.orig, "sqlite_errorname", None) == "SQLITE_FULL"

    listen: Callable[[AsyncEngine, Callable[[], None]], Awaitable[None]] | None = None
    """Nobody tells of what another process writes to the file: the relay looks."""


def _engine(url: URL, kind: type[WholeStatements], *, connections: int) -> AsyncEngine:
    driver = Driver(kind, _prepare)
    engine = create_async_engine(url, module=driver, pool_size=connections, max_overflow=0)
    event.listen(engine.sync_engine, "engine_disposed", driver.wait_for_threads)
    return engine


def _prepare(file: File) -> None:
    for name, value in _PRAGMAS.items():
        _set_pragma(file, name, value)


def _set_pragma(file: File, name: str, value: str) -> None:
    # A new file's change to WAL does not wait for a lock, unlike all else: another process may be at it.
    give_up = monotonic() + 5
    while True:
        try:
            file.execute(f"PRAGMA {name}={value}")
        except OperationalError:
            if monotonic() > give_up:
                raise
            sleep(0.01)
        else:
            return
