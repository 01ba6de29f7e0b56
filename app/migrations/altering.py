"""Alteration of tables in migrations: in place on PostgreSQL, and by a copy on SQLite.

The migration declares the table as it was before. Alembic's reflection of a table in SQLite omits checks,
collations, descending keys and triggers, so a copy of that would silently lose them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy import Column, Connection, Constraint, Index, MetaData, PrimaryKeyConstraint, Table
from sqlalchemy.schema import ColumnCollectionConstraint, CreateIndex, CreateTable
from sqlalchemy.util import OrderedSet

from app.stores.sql.engines.opening import metadata


def table_as_it_was(name: str, *parts: "Column[Any] | Constraint | Index") -> Table:
    """Return a table for `altered`, whose constraints are named by the store's convention."""
    table = Table(name, MetaData(naming_convention=metadata.naming_convention), *parts)
    # A copy gets them in the order of this set, which would be another one in each process.
    table.constraints = OrderedSet(sorted(table.constraints, key=_place))
    return table


def _place(constraint: Constraint) -> tuple[bool, int, list[str]]:
    """Return the place as in a table that is created: those of single columns come last."""
    columns = constraint.columns if isinstance(constraint, ColumnCollectionConstraint) else ()
    is_primary = isinstance(constraint, PrimaryKeyConstraint)
    return not is_primary, -len(columns), [column.name for column in columns]


@contextmanager
def altered(table: Table) -> Iterator[BatchOperations]:
    """Alter a table, which others may refer to; `table` declares it as it was before.

    Raise `ValueError` if the declaration differs from the table in SQLite.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        with op.batch_alter_table(table.name) as alteration:
            yield alteration
        return
    _refuse_if_different(connection, table)
    triggers = _statements(connection, "trigger", table)
    # Without this, SQLite refuses to rename the copy if triggers of other tables name the altered table,
    # which does not exist at that moment.
    connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")
    with op.batch_alter_table(table.name, copy_from=table, recreate="always") as alteration:
        yield alteration
    connection.exec_driver_sql("PRAGMA legacy_alter_table=OFF")
    for trigger in triggers:
        connection.exec_driver_sql(trigger)


def _refuse_if_different(connection: Connection, table: Table) -> None:
    declared = [str(CreateTable(table).compile(dialect=connection.dialect))]
    declared += [str(CreateIndex(index).compile(dialect=connection.dialect)) for index in table.indexes]
    there = _statements(connection, "table", table) + _statements(connection, "index", table)
    if sorted(map(parts_of, declared)) != sorted(map(parts_of, there)):
        raise ValueError(
            f"The table {table.name} differs from the migration's declaration.\n"
            f"The store has: {' '.join(there)}\nDeclared: {' '.join(declared)}\n"
            "Correct the declaration, or undo changes that were made by hand."
        )


def _statements(connection: Connection, kind: str, table: Table) -> list[str]:
    """Return the SQL statements that SQLite stores for the table, its indexes or its triggers."""
    found = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL ORDER BY name",
        (kind, table.name),
    )
    return [sql for (sql,) in found]


def parts_of(sql: str) -> list[str]:
    """Return the columns and constraints of a statement, sorted and with normalized white space."""
    opening, closing = sql.index("("), sql.rindex(")")
    parts, depth = [""], 0
    for character in sql[opening + 1 : closing]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    outside = f"{sql[:opening]} {sql[closing + 1 :]}"
    return sorted(re.sub(r'[\s"]+', " ", part).strip() for part in (outside, *parts))
