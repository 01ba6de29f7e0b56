"""SQLite as the write store: one writer at a time, in a file that loses nothing."""

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from errno import ENAMETOOLONG
from pathlib import Path
from sqlite3 import Connection as File
from sqlite3 import OperationalError
from time import monotonic, sleep

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.cqrs.log.events import Commits
from app.stores.sql.failures import Failure, UnfitStore
from app.stores.sql.sqlite_connection import AtOnce, Driver, WholeStatements, WholeTransactions
from app.stores.sql.sqlite_file import FileReplaced, OpenedFile

_PRAGMAS: Mapping[str, str] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "busy_timeout": "5000",
}
_LONGEST_PATH = 500
"""Bytes; SQLite takes 512, with what it appends for the files beside it."""

_FAILURES = {
    "SQLITE_CONSTRAINT_UNIQUE": Failure.LOST_RACE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": Failure.LOST_RACE,
    "SQLITE_FULL": Failure.FULL,
    "SQLITE_READONLY": Failure.READ_ONLY,
    "SQLITE_CONSTRAINT": Failure.IMPOSSIBLE,
    "SQLITE_MISMATCH": Failure.IMPOSSIBLE,
    "SQLITE_RANGE": Failure.IMPOSSIBLE,
    "SQLITE_TOOBIG": Failure.IMPOSSIBLE,
    "SQLITE_ERROR": Failure.DAMAGED,  # such as a missing table
    "SQLITE_CORRUPT": Failure.DAMAGED,
    "SQLITE_NOTADB": Failure.DAMAGED,
    "SQLITE_PERM": Failure.DAMAGED,
}
"""By the name of SQLite's error, or else by that of which it is a kind."""


class Sqlite:
    """What is SQLite's own way."""

    form = "sqlite+aiosqlite:///file"

    def __init__(self) -> None:
        self._file = OpenedFile()

    def is_complete(self, url: URL) -> bool:
        """Return whether a URL names a file: one in memory would be another one for each connection."""
        in_memory = url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"
        return not in_memory and not url.host and not url.username

    def name(self, url: URL) -> str:
        """Name the database in words."""
        return f"SQLite, {url.database}"

    def writing(self, url: URL) -> AsyncEngine:
        """One connection, for there is one writer at a time: the others queue here, in order."""
        if url.database and "uri" not in url.query:
            _make(Path(url.database))
        return self._engine(url, WholeTransactions, connections=1)

    def reading(self, url: URL) -> AsyncEngine:
        """Connections that read while another writes; every statement sees the newest commits."""
        return self._engine(url, WholeStatements, connections=4)

    def migrating(self, url: URL) -> AsyncEngine:
        """Make a connection that may put a copy in the place of a table that others refer to."""
        return self._engine(url, WholeTransactions, connections=1, foreign_keys="OFF")

    def _engine(
        self, url: URL, kind: type[WholeStatements], *, connections: int, foreign_keys: str = "ON"
    ) -> AsyncEngine:
        def prepare(file: File) -> None:
            for name, value in {**_PRAGMAS, "foreign_keys": foreign_keys}.items():
                _set_pragma(file, name, value)

        driver = Driver(kind, prepare, self._file)
        engine = create_async_engine(
            url, module=driver, pool_size=connections, max_overflow=0, hide_parameters=True
        )
        event.listen(engine.sync_engine, "engine_disposed", driver.wait_for_threads)
        return engine

    def rows(self, connection: AsyncConnection) -> AtOnce:
        """What a command's transaction reads and writes its rows through."""
        return AtOnce(connection)

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Do nothing: any file will do."""

    def take_turns(self, _connection: Connection) -> None:
        """Migrations have the file for themselves once their transaction has begun."""

    def refuse_broken_references(self, connection: Connection) -> None:
        """Raise `UnfitStore` where rows refer to others that are not there."""
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            tables = sorted({f"{table} to {other}" for table, _, other, _ in broken})
            raise UnfitStore(
                f"after its migrations, rows would refer to others that are not there: {', '.join(tables)}.\n"
                "Nothing was changed. Report this, and keep the version that you had until it is mended."
            )

    async def probe(self, connection: AsyncConnection) -> None:
        """Commit the log's head as it is: only a commit finds out that a disk is full."""
        for step in (1, -1):  # A row that is given the values that it has is not written at all.
            await connection.execute(text("UPDATE log_head SET position = position + :step"), {"step": step})
        await connection.commit()

    def failure(self, error: DBAPIError) -> Failure:
        """What it means that a statement failed."""
        if isinstance(error.orig, FileReplaced):
            return Failure.REPLACED
        name = getattr(error.orig, "sqlite_errorname", None) or ""
        return _FAILURES.get(name) or _FAILURES.get("_".join(name.split("_")[:2])) or Failure.AWAY

    def said(self, error: DBAPIError) -> str:
        """Return SQLite's own words, which name tables and columns and quote no values."""
        return f"{type(error.orig).__name__}: {error.orig}"

    listen: Callable[[AsyncEngine, Commits], Awaitable[None]] | None = None
    """Nobody tells of what another process writes to the file: the relay looks."""


def make_private(store: Path) -> None:
    """Make the file if there is none, and let nobody but its owner read or write it.

    SQLite gives the files that it makes beside it the same permissions.
    """
    _make(store)
    for suffix in ("", "-wal", "-shm"):
        # The file of another user, which we may write to, is that user's to protect.
        with suppress(FileNotFoundError, PermissionError):
            Path(f"{store}{suffix}").chmod(0o600)


def _make(file: Path) -> None:
    if len(os.fsencode(file.absolute())) > _LONGEST_PATH:  # of which SQLite only says that it can't open it
        raise OSError(ENAMETOOLONG, os.strerror(ENAMETOOLONG))
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


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
