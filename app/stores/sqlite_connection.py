"""A connection of aiosqlite whose statements take one trip to the connection's thread each, and not four."""

import sqlite3
from collections.abc import Iterable, Sequence
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

    def _carry_out(self, statement: "Statement", sql: str, values: Sequence[Any], many: bool) -> None:
        cursor = self._conn.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, *values)
            statement.rows = cursor.fetchall() if cursor.description else []
            statement.description, statement.lastrowid = cursor.description, cursor.lastrowid
            statement.rowcount = cursor.rowcount
        finally:
            cursor.close()


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


def connect(database: str, **options: Any) -> WholeStatements:
    """A connection to be awaited; the options are those of `sqlite3`."""
    connection = WholeStatements(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # One that was never closed keeps no process from ending.
    return connection
