"""SQLite as the write store: one writer at a time, in a file that loses nothing."""

from collections.abc import Awaitable, Callable, Mapping
from sqlite3 import OperationalError
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.stores.sqlite_connection import connect

_PRAGMAS: Mapping[str, str] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
}
_CONNECTING = {"async_creator_fn": connect}
_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


class Sqlite:
    """What is SQLite's own way."""

    def writing(self, url: URL) -> AsyncEngine:
        """One connection, for there is one writer at a time: the others queue here, in order."""
        engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args=_CONNECTING)
        _prepare(engine.sync_engine, begin="BEGIN IMMEDIATE")
        return engine

    def reading(self, url: URL) -> AsyncEngine:
        """Connections that read while another writes."""
        engine = create_async_engine(url, pool_size=4, max_overflow=0, connect_args=_CONNECTING)
        _prepare(engine.sync_engine, begin="BEGIN")
        return engine

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


def _prepare(engine: Engine, *, begin: str) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
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
