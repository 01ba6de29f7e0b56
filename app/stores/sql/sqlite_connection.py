"""SQLite through aiosqlite: a statement takes one trip to the connection's thread, and not four; a
transaction that writes takes two in all.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import CursorResult, Engine, Executable
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util.concurrency import await_, in_greenlet

from app.stores.sql.internals.aiosqlite import OpenConnection
from app.stores.sql.internals.sqlalchemy import Adapter, ClosedCursor
from app.stores.sql.sqlite_file import FileReplaced, Identity, OpenedFile


class WholeStatements(OpenConnection):
    """Executes a statement, fetches all its rows and closes its cursor in one go.

    Raises `FileReplaced` where the file is not the one that was opened any more.
    """

    file: OpenedFile

    async def carry_out(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Has a statement executed in the connection's thread."""
        await self.in_thread(self._check_and_carry_out, statement, sql, values, many)

    def _check_and_carry_out(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        self.file.check()
        self.carry_out_here(statement, sql, values, many)

    def carry_out_here(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Executes a statement in the thread that asks for it."""
        cursor = self.opened.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, values)
            statement.rows = iter(cursor.fetchall() if cursor.description else ())
            statement.description, statement.lastrowid = cursor.description, cursor.lastrowid
            statement.rowcount = cursor.rowcount
        finally:
            cursor.close()

    async def rollback(self) -> None:
        """Undoes the transaction, if there is one."""
        if self.opened.in_transaction:
            await super().rollback()


class WholeTransactions(WholeStatements):
    """Begins a transaction with its first statement, and carries out the others where they are called.

    Who has the lock to write waits for nobody, and what is written stays in memory until the commit: a
    statement then takes a few microseconds, and a trip to the thread some thirty. What may have to wait, for
    the lock or for the disk, is the first statement and the commit.
    """

    _log: Identity | None = None

    async def carry_out(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        """Has a statement executed."""
        if self.opened.in_transaction:
            self.carry_out_here(statement, sql, values, many)
        else:
            await self.in_thread(self._begin_with, statement, sql, values, many)

    def _begin_with(self, statement: "Statement", sql: str, values: Any, many: bool) -> None:
        if not self.opened.in_transaction:  # of a statement that was given up before it was done
            self._check()
            self.opened.execute("BEGIN IMMEDIATE")
        self.carry_out_here(statement, sql, values, many)

    async def commit(self) -> None:
        """Ends the transaction; what was committed to a file that is gone is not acknowledged."""
        await self.in_thread(self._commit_and_check)

    def _commit_and_check(self) -> None:
        self.opened.commit()
        self._check()

    def _check(self) -> None:
        self.file.check()
        # While a connection is open nobody but an intruder removes the file that it commits to.
        log = self._log = self.file.log() if self._log is None else self._log
        if log != self.file.log():
            raise FileReplaced("the file that commits are written to was removed or replaced")


class Statement(ClosedCursor):
    """A cursor as SQLAlchemy wants one, which holds all rows once it has been executed."""

    def __init__(self, connection: "Adapted") -> None:
        self._adapted = connection
        self._connection: WholeStatements = connection.driver_connection
        self.rows: Iterator[Any] = iter(())
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1
        self.arraysize = 1

    def execute(self, sql: str, values: Any = (), *, many: bool = False) -> None:
        """Executes a statement."""
        try:
            if in_greenlet():
                await_(self._connection.carry_out(self, sql, values, many))
            else:
                self._connection.carry_out_here(self, sql, values, many)
        except Exception as error:
            self._adapted.fail(error)

    def executemany(self, sql: str, values: Any) -> None:
        """Executes a statement once for each row of values."""
        self.execute(sql, values, many=True)

    def fetchone(self) -> Any:
        """The next row; `None` after the last one."""
        return next(self.rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next few rows."""
        return list(islice(self.rows, size or self.arraysize))

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self.rows)


class Adapted(Adapter):
    """SQLAlchemy's view of a connection."""

    __slots__ = ()

    def cursor(self, server_side: bool = False) -> Any:  # noqa: ARG002 - SQLAlchemy asks for it by name
        """Return a new cursor; each one fetches all its rows at once."""
        return Statement(self)


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """SQLAlchemy's view of aiosqlite; what it opens is given to `prepare` first."""

    def __init__(
        self,
        kind: type[WholeStatements],
        prepare: Callable[[sqlite3.Connection], None],
        file: OpenedFile | None = None,
    ) -> None:
        super().__init__(aiosqlite, sqlite3)
        self._kind = kind
        self._prepare = prepare
        self._threads: list[Thread] = []
        self._file = file or OpenedFile()

    def connect(self, database: str, **options: Any) -> Adapted:
        """Opens a database; the options are those of `sqlite3`."""

        def open_database() -> sqlite3.Connection:
            # Transactions begin where we say so, not where the driver guesses.
            self._file.check()  # To open one that is gone would make another.
            opened: sqlite3.Connection = sqlite3.connect(database, isolation_level=None, **options)
            try:
                self._file.opened_by(opened)
                self._prepare(opened)
            except BaseException:  # The file is no database, for one: it would be open until it is collected.
                opened.close()
                raise
            return opened

        connection: Any = self._kind(open_database, iter_chunk_size=64)
        connection.file = self._file
        connection.thread.daemon = True  # One that was never closed keeps no process from ending.
        self._threads = [*filter(Thread.is_alive, self._threads), connection.thread]
        return Adapted(self, await_(connection))

    def wait_for_threads(self, _engine: Engine) -> None:
        """Returns when the connections have ended that were given up in the middle, at most a second each.

        A thread that ends later would look for an event loop that is closed by then.
        """
        for thread in self._threads:
            thread.join(1)


class AtOnce:
    """The statements of one transaction of `WholeTransactions`.

    Where nothing is waited for, SQLAlchemy need not be prepared to: that would take as long as the rest.
    """

    def __init__(self, opened: AsyncConnection) -> None:
        assert opened.sync_connection
        self._opened, self._connection = opened, opened.sync_connection
        self._begun = False

    async def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Executes a statement."""
        if self._begun:
            return self._connection.execute(statement, values)
        result = await self._opened.execute(statement, values)
        self._begun = True
        return result

    async def commit(self) -> None:
        """Ends the transaction; another may follow."""
        self._begun = False
        await self._opened.commit()
