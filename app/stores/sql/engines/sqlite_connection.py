"""Connections to SQLite through aiosqlite that make few trips to the connection's thread.

A statement takes one trip instead of four, and a whole writing transaction takes two.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import Engine, Executable, Result
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util.concurrency import await_, in_greenlet

from app.stores.sql.engines.sqlite_file import FileReplaced, Identity, OpenedFile
from app.stores.sql.engines.sqlite_statements import names_in, prepared
from app.stores.sql.internals.aiosqlite import OpenConnection
from app.stores.sql.internals.sqlalchemy import Adapter, ClosedCursor


class ReadingConnection(OpenConnection):
    """A connection that executes a statement, fetches all its rows and closes its cursor in one trip.

    Statements raise `FileReplaced` if the file was removed or replaced since it was opened.
    """

    file: OpenedFile

    async def run_statement(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Execute a statement in the connection's thread."""
        await self.in_thread(self._check_and_run, statement, sql, values, many)

    def _check_and_run(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        self.file.check()
        self.run_here(statement, sql, values, many)

    def run_here(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Execute a statement in the calling thread."""
        cursor = self.opened.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, values)
            statement.rows = iter(cursor.fetchall() if cursor.description else ())
            statement.description, statement.lastrowid = cursor.description, cursor.lastrowid
            statement.rowcount = cursor.rowcount
        finally:
            cursor.close()

    async def rollback(self) -> None:
        """Roll back the transaction, if there is one."""
        if self.opened.in_transaction:
            await super().rollback()


class WritingConnection(ReadingConnection):
    """A connection that begins a transaction with its first statement and executes the others at once.

    Only the first statement, which takes the write lock, and the commit, which writes to the disk, may have
    to wait: they run in the connection's thread. The other statements change memory only. They take a few
    microseconds each, and a trip to the thread takes about thirty, so they run in the calling thread.
    """

    _log: Identity | None = None

    async def run_statement(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Execute a statement; begin a transaction if none has begun."""
        if self.opened.in_transaction:
            self.run_here(statement, sql, values, many)
        else:
            await self.in_thread(self._begin_with, statement, sql, values, many)

    def _begin_with(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        if not self.opened.in_transaction:  # A statement whose caller was cancelled may have begun it.
            self._check()
            self.opened.execute("BEGIN IMMEDIATE")
        self.run_here(statement, sql, values, many)

    async def commit(self) -> None:
        """Commit the transaction; raise `FileReplaced` if the commit went to a file that was removed."""
        await self.in_thread(self._commit_and_check)

    def _commit_and_check(self) -> None:
        self.opened.commit()
        self._check()

    def _check(self) -> None:
        self.file.check()
        # SQLite itself never removes the write-ahead log while a connection is open.
        log = self._log = self.file.log() if self._log is None else self._log
        if log != self.file.log():
            raise FileReplaced("the write-ahead log was removed or replaced")


class Statement(ClosedCursor):
    """A cursor for SQLAlchemy that holds all rows once the statement has been executed."""

    def __init__(self, connection: "AdaptedConnection") -> None:
        self._adapted = connection
        self._connection: ReadingConnection = connection.driver_connection
        self.rows: Iterator[Any] = iter(())
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1
        self.arraysize = 1

    def execute(self, sql: str, values: Any = (), *, many: bool = False) -> None:
        """Execute a statement; raise SQLAlchemy's exceptions."""
        try:
            if in_greenlet():
                await_(self._connection.run_statement(self, sql, values, many))
            else:
                self._connection.run_here(self, sql, values, many)
        except Exception as error:
            self._adapted.fail(error)

    def executemany(self, sql: str, values: Any) -> None:
        """Execute a statement once for each set of values."""
        self.execute(sql, values, many=True)

    def fetchone(self) -> Any:
        """Return the next row, or `None` after the last one."""
        return next(self.rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, at most `size` or else `arraysize`."""
        return list(islice(self.rows, size or self.arraysize))

    def fetchall(self) -> list[Any]:
        """Return all remaining rows."""
        return list(self.rows)


class AdaptedConnection(Adapter):
    """A connection of SQLAlchemy whose cursors fetch all rows at once."""

    __slots__ = ()

    def cursor(self, server_side: bool = False) -> Any:  # noqa: ARG002 - SQLAlchemy passes it by name
        """Return a new cursor."""
        return Statement(self)


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """The DBAPI module for SQLAlchemy; it passes each new connection of sqlite3 to `prepare`."""

    def __init__(
        self,
        kind: type[ReadingConnection],
        prepare: Callable[[sqlite3.Connection], None],
        file: OpenedFile | None = None,
    ) -> None:
        super().__init__(aiosqlite, sqlite3)
        self._kind = kind
        self._prepare = prepare
        self._threads: list[Thread] = []
        self._file = file or OpenedFile()

    def connect(self, database: str, **options: Any) -> AdaptedConnection:
        """Open a database; the options are those of `sqlite3.connect`."""

        def open_database() -> sqlite3.Connection:
            self._file.check()  # Otherwise sqlite3 would create a new file in place of a removed one.
            # With this isolation level the driver begins no transactions by itself.
            opened: sqlite3.Connection = sqlite3.connect(database, isolation_level=None, **options)
            try:
                self._file.opened_by(opened)
                self._prepare(opened)
            except BaseException:  # Such as that the file is no database: it would stay open until collected.
                opened.close()
                raise
            return opened

        connection: Any = self._kind(open_database, iter_chunk_size=64)
        connection.file = self._file
        connection.thread.daemon = True  # A connection that was never closed must not keep the process alive.
        self._threads = [*filter(Thread.is_alive, self._threads), connection.thread]
        return AdaptedConnection(self, await_(connection))

    def wait_for_threads(self, _engine: Engine) -> None:
        """Wait up to a second for each thread whose connection was abandoned during a statement.

        A thread that ended later would call into an event loop that is already closed.
        """
        for thread in self._threads:
            thread.join(1)


class SqliteRows:
    """The rows of one transaction of `WritingConnection`.

    Statements after the first never wait, so SQLite executes them directly. The greenlet that SQLAlchemy's
    asynchronous connection starts would take as long as the statement itself, and so would what SQLAlchemy
    does for each execution.
    """

    def __init__(self, opened: AsyncConnection) -> None:
        assert opened.sync_connection
        self._opened, self._connection = opened, opened.sync_connection
        self._begun = False

    async def execute(self, statement: Executable, values: Any = None) -> Result[Any]:
        """Execute a statement; only the first one of a transaction waits."""
        if not self._begun:
            result = await self._opened.execute(statement, values)
            self._begun = True
            return result
        values = values or {}
        if ready := prepared(statement, names_in(values), self._connection.dialect):
            return ready.execute(self._file, values)
        return self._connection.execute(statement, values)

    @property
    def _file(self) -> sqlite3.Connection:
        connection: Any = self._connection.connection.driver_connection
        file: sqlite3.Connection = connection.opened
        return file

    async def commit(self) -> None:
        """Commit the transaction; another may follow."""
        self._begun = False
        await self._opened.commit()
