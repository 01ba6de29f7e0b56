"""A connection of aiosqlite whose statements take one trip to the connection's thread each, and not four;
where it writes, a transaction takes two in all.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from aiosqlite import Connection


class WholeStatements(Connection):
    """Executes a statement, fetches all its rows and closes its cursor in one go."""

    def cursor(self) -> "Statement":  # type: ignore[override]  # what SQLAlchemy needs of one
        """A cursor for one statement; it takes no trip of its own."""
        return Statement(self)

    async def carry_out(self, statement: "Statement", sql: str, *values: Any, many: bool = False) -> None:
        """Has the statement executed in the connection's thread."""
        await self._execute(self._carry_out, statement, sql, values, many)  # type: ignore[no-untyped-call]

    async def rollback(self) -> None:
        """Undoes the transaction, if there is one."""
        if self._conn.in_transaction:
            await super().rollback()

    def _carry_out(self, statement: "Statement", sql: str, values: Sequence[Any], many: bool) -> None:
        cursor = self._conn.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, *values)
            statement.rows = cursor.fetchall() if cursor.description else []
            statement.description, statement.lastrowid = cursor.description, cursor.lastrowid
            statement.rowcount = cursor.rowcount
        finally:
            cursor.close()


class WholeTransactions(WholeStatements):
    """Begins a transaction with its first statement, and carries out the others where they are called.

    Who has the lock to write waits for nobody, and what is written stays in memory until the commit: a
    statement then takes a few microseconds, and a trip to the thread some thirty. What may have to wait, for
    the lock or for the disk, is the first statement and the commit.
    """

    async def carry_out(self, statement: "Statement", sql: str, *values: Any, many: bool = False) -> None:
        """Has the statement executed."""
        if self._conn.in_transaction:
            self._carry_out(statement, sql, values, many)
        else:
            await self._execute(self._begin_with, statement, sql, values, many)  # type: ignore[no-untyped-call]

    def _begin_with(self, statement: "Statement", sql: str, values: Sequence[Any], many: bool) -> None:
        if not self._conn.in_transaction:  # of a statement that was given up before it was done
            self._conn.execute("BEGIN IMMEDIATE")
        self._carry_out(statement, sql, values, many)


class Statement:
    """A cursor that holds all it will ever give once it has been executed."""

    def __init__(self, connection: WholeStatements) -> None:
        self._connection = connection
        self.rows: list[Any] = []
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, values: Iterable[Any] = ()) -> Self:
        """Executes a statement."""
        await self._connection.carry_out(self, sql, values)
        return self

    async def executemany(self, sql: str, values: Iterable[Iterable[Any]]) -> Self:
        """Executes a statement once for each row of values."""
        await self._connection.carry_out(self, sql, values, many=True)
        return self

    async def fetchall(self) -> list[Any]:
        """All rows."""
        return self.rows

    async def close(self) -> None:
        """Is closed already."""


def connect(
    kind: type[WholeStatements], prepare: Callable[[sqlite3.Connection], None], database: str, **options: Any
) -> WholeStatements:
    """A connection to be awaited, which `prepare` is given first; the options are those of `sqlite3`."""

    def open_database() -> sqlite3.Connection:
        # Transactions begin where we say so, not where the driver guesses.
        connection: sqlite3.Connection = sqlite3.connect(database, isolation_level=None, **options)
        prepare(connection)
        return connection

    connection = kind(open_database, iter_chunk_size=64)
    connection._thread.daemon = True  # One that was never closed keeps no process from ending.
    return connection
