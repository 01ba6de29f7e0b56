"""Loading and saving of aggregates that have one row each, with a column for every field."""

from collections.abc import Collection
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Table, bindparam, select

from app.cqrs.commands.aggregates import State
from app.stores.sql.transactions import SqlWork

S = TypeVar("S", bound=State)


class AggregateRows(Generic[S]):
    """The rows of one kind of aggregate, a dataclass whose fields have the names of the table's columns.

    The column of a field that is not a single value, such as a tuple of ids, has the type `JSON`.
    """

    def __init__(self, table: Table, kind: type[S]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        self._nested = {each.name: hints[each.name] for each in table.c if isinstance(each.type, JSON)}
        self._table = table
        self._ids = select(table.c.id)
        self._insert = table.insert()
        self._update = table.update().where(table.c.id == bindparam("key"))

    async def load(self, work: SqlWork, id: UUID) -> S | None:
        """Return the aggregate with this id, locked for a change, or `None` if there is none."""
        found = await work.claim(self._table, {id})
        if not found:
            return None
        values = found[0]._asdict()
        for name, kind in self._nested.items():
            values[name] = msgspec.convert(values[name], kind)
        return self._kind(**values)

    async def ids(self, work: SqlWork) -> Collection[UUID]:
        """Return the ids of all aggregates."""
        return (await work.rows.execute(self._ids)).scalars().all()

    async def save(self, work: SqlWork, before: S | None, aggregate: S) -> None:
        """Insert the aggregate's row, or update it if there was an aggregate `before`."""
        row: dict[str, Any] = dict(vars(aggregate))
        for name in self._nested:
            row[name] = msgspec.to_builtins(row[name])
        if before is None:
            await work.write(self._insert, row)
        else:
            await work.write(self._update, {"key": aggregate.id, **row})
