"""SQLite as the write store: a single writer, and a file that loses no commit in a crash."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from errno import ENAMETOOLONG
from pathlib import Path
from sqlite3 import Connection as File
from sqlite3 import OperationalError, connect
from time import monotonic, sleep

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.cqrs.log.events import Commits
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.sqlite_connection import Driver, ReadingConnection, SqliteRows, WritingConnection
from app.stores.sql.engines.sqlite_file import FileReplaced, OpenedFile, refuse_if_half_restored
from app.stores.sql.failures import Failure, UnfitStore

logger = logging.getLogger(__name__)

_PRAGMAS: Mapping[str, str] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "busy_timeout": "5000",  # milliseconds
    "secure_delete": "ON",  # what is deleted or changed is overwritten with zeros
}
_LONGEST_PATH = 500
"""Bytes of a path; SQLite's limit is 512, including the suffix of the files beside the database."""

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
"""By the name of SQLite's extended error code, or else of its primary code."""


class Sqlite:
    """The operations of `Database` on SQLite."""

    example_url = "sqlite+aiosqlite:///file"

    def __init__(self) -> None:
        self._file = OpenedFile()

    def is_complete(self, url: URL) -> bool:
        """Return whether a URL names a file; each connection would have a database in memory of its own."""
        in_memory = url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"
        return not in_memory and not url.host and not url.username

    def name(self, url: URL) -> str:
        """Return the database's name for messages."""
        return f"SQLite, {url.database}"

    def writing(self, url: URL) -> AsyncEngine:
        """Return an engine with a single connection, at which concurrent commands queue in order."""
        if url.database and "uri" not in url.query:
            _make(Path(url.database))
        return self._engine(url, WritingConnection, connections=1)

    def reading(self, url: URL) -> AsyncEngine:
        """Return an engine that reads while another connection writes, and sees the newest commits."""
        return self._engine(url, ReadingConnection, connections=4)

    def migrating(self, url: URL) -> AsyncEngine:
        """Return an engine for migrations, which may replace a table that others refer to by a copy."""
        return self._engine(url, WritingConnection, connections=1, foreign_keys="OFF")

    def _engine(
        self, url: URL, kind: type[ReadingConnection], *, connections: int, foreign_keys: str = "ON"
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

    def rows(self, connection: AsyncConnection) -> SqliteRows:
        """Return the object through which a command's transaction reads and writes rows."""
        return SqliteRows(connection)

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Do nothing: SQLite has no setting that would lose data."""

    def lock_migrations(self, _connection: Connection) -> None:
        """Do nothing: the transaction of the migrations has the file's only write lock."""

    def refuse_broken_references(self, connection: Connection) -> None:
        """Raise `UnfitStore` if a row refers to a row that does not exist."""
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            tables = sorted({f"{table} to {other}" for table, _, other, _ in broken})
            raise UnfitStore(
                f"after its migrations, rows would refer to rows that do not exist: {', '.join(tables)}.\n"
                "Nothing was changed. Report this, and use your previous version until it is fixed."
            )

    async def probe(self, connection: AsyncConnection) -> None:
        """Commit a change of the log's head and its reversal: only a commit detects a full disk."""
        for step in (1, -1):  # SQLite does not write a row whose values stay the same.
            await connection.execute(text("UPDATE log_head SET position = position + :step"), {"step": step})
        await connection.commit()

    def failure(self, error: DBAPIError) -> Failure:
        """Return the kind of failure that the error's name stands for."""
        if isinstance(error.orig, FileReplaced):
            return Failure.REPLACED
        name = getattr(error.orig, "sqlite_errorname", None) or ""
        return _FAILURES.get(name) or _FAILURES.get("_".join(name.split("_")[:2])) or Failure.AWAY

    def message(self, error: DBAPIError) -> str:
        """Return SQLite's message, which names tables and columns and quotes no values."""
        return f"{type(error.orig).__name__}: {error.orig}"

    listen: Callable[[AsyncEngine, Commits], Awaitable[None]] | None = None
    """SQLite has no notifications: the relay polls for the commits of other processes."""


def make_private(store: Path) -> None:
    """Create the file if it does not exist, and let only its owner read and write it.

    SQLite gives the files that it creates beside it the same permissions.
    """
    _make(store)
    for suffix in ("", "-wal", "-shm"):
        # Only the owner of a file may change its permissions; another user's file is left as it is.
        with suppress(FileNotFoundError, PermissionError):
            Path(f"{store}{suffix}").chmod(0o600)


def truncate_log(file: Path) -> bool:
    """Move the write-ahead log into the file and empty it; return whether nothing of it remains.

    Readers of an older state keep it from being emptied, for as long as they read. This waits for them for a
    second at most, because commands wait meanwhile. A full disk keeps it, too.
    """
    connection = connect(file, isolation_level=None, timeout=1)
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        reason = "readers of an older state keep it" if busy else ""
    except OperationalError as error:
        reason = str(error)
    finally:
        connection.close()
    if reason:
        logger.warning("A write-ahead log is not emptied yet: file=%s reason=%s", file.name, reason)
    return not reason


def rewrite(file: Path) -> None:
    """Rewrite the file without free pages, which may have data from before; commands wait meanwhile.

    Raises `WriteStoreUnavailable` if there is no room for a second one, or others use it all the time.
    """
    connection = connect(file, isolation_level=None, timeout=60)
    try:
        connection.execute("VACUUM")
    except OperationalError as error:
        raise WriteStoreUnavailable(
            f"{file} can't be rewritten ({error}). That takes as much room again as the file has, and a "
            "moment in which nobody writes to it. Nothing was changed: make room, and repeat this."
        ) from error
    finally:
        connection.close()
    truncate_log(file)


def _make(file: Path) -> None:
    refuse_if_half_restored(file)
    if len(os.fsencode(file.absolute())) > _LONGEST_PATH:  # SQLite itself would not give the reason.
        raise OSError(ENAMETOOLONG, os.strerror(ENAMETOOLONG))
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _set_pragma(file: File, name: str, value: str) -> None:
    # The change of a new file to WAL is retried here for 5 seconds. Another process may make it at the same
    # moment, and SQLite's busy timeout does not apply to it.
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
