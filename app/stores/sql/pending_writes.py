"""Writes that are kept for a while, so that those of several commands to a table become one statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Insert, Table, Update

from app.stores.sql.engines.opening import Rows

Statement = Insert | Update | Delete
Values = Mapping[str, Any]
"""The values of a statement's parameters."""


@dataclass(frozen=True)
class Write:
    """A statement that writes to one table, with one set of values for each row."""

    statement: Statement
    rows: Sequence[Values]

    @property
    def table(self) -> Table:
        """The table that it writes to."""
        table = self.statement.table
        assert isinstance(table, Table)
        return table

    def may_extend(self, other: "Write") -> bool:
        """Return whether one statement can execute both; it needs the same parameters in all rows."""
        return self.statement is other.statement and self.rows[0].keys() == other.rows[0].keys()


def key_of(table: Table, row: Values) -> Any:
    """Return the primary key of the row that these values are for; `None` if they do not say."""
    columns = table.primary_key.columns.keys()
    return row.get("key", row.get(columns[0])) if len(columns) == 1 else None


def holder_among(writes: Sequence[Write], column: str, value: Any) -> Any:
    """Return the primary key of the row to which writes gave this value of a unique column, or `None`."""
    holder = None
    for write in writes:
        for row in write.rows:
            if column in row:
                if row[column] == value:
                    holder = key_of(write.table, row)
                elif holder is not None and key_of(write.table, row) == holder:
                    holder = None
    return holder


def gives_value(writes: Sequence[Write], column: str, key: Any) -> bool:
    """Return whether one of the writes gives a value of this column to the row with this primary key."""
    return any(column in row and key_of(each.table, row) == key for each in writes for row in each.rows)


class PendingWrites:
    """Writes in the order in which they must take effect; equal statements are joined where that allows it.

    A statement is never moved before another one on the same table, nor before one on a table that its rows
    refer to. A removal is not moved at all.
    """

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._writes = list(writes)

    def add(self, write: Write) -> None:
        """Add a write after all others."""
        for place in range(len(self._writes) - 1, -1, -1):
            earlier = self._writes[place]
            if write.may_extend(earlier):
                self._writes[place] = Write(earlier.statement, [*earlier.rows, *write.rows])
                return
            if isinstance(write.statement, Delete) or earlier.table in _needed_by(write.table):
                break
        self._writes.append(write)

    def concern(self, tables: Collection[Table] | None) -> bool:
        """Return whether there is a write to one of `tables`, or any at all if that is `None`."""
        return any(tables is None or each.table in tables for each in self._writes)

    def of(self, table: Table) -> Sequence[Write]:
        """Return the writes to one table, in order."""
        return [each for each in self._writes if each.table is table]

    async def send(self, rows: Rows) -> None:
        """Execute and remove all writes."""
        writes, self._writes = self._writes, []
        for each in writes:
            await rows.execute(each.statement, list(each.rows) if len(each.rows) > 1 else each.rows[0])


def _needed_by(table: Table) -> set[Table]:
    return {table, *(key.column.table for key in table.foreign_keys)}
