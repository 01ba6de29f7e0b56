"""Alters tables in migrations, on PostgreSQL in place and on SQLite in a copy.

The copy is made of the table as the migration declares that it was: what alembic finds out about a table in
SQLite has no checks, collations, descending keys or triggers, and they would be lost without a word.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy import Column, Connection, Constraint, Index, MetaData, Table
from sqlalchemy.schema import CreateIndex, CreateTable

from app.stores.sql.engines import metadata


def table_as_it_was(name: str, *parts: "Column[Any] | Constraint | Index") -> Table:
    """Declare a table for `altered`; constraints get their names by the store's convention."""
    return Table(name, MetaData(naming_convention=metadata.naming_convention), *parts)


@contextmanager
def altered(table: Table) -> Iterator[BatchOperations]:
    """Alter a table, which others may refer to; `table` declares all that it has before.

    Raises `ValueError` where SQLite has another one.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        with op.batch_alter_table(table.name) as alteration:
            yield alteration
        return
    _refuse_if_different(connection, table)
    triggers = _kept(connection, "trigger", table)
    # Triggers of other tables may name this one: otherwise SQLite refuses the copy's new name, for there is
    # no such table while it gets it.
    connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")
    with op.batch_alter_table(table.name, copy_from=table, recreate="always") as alteration:
        yield alteration
    connection.exec_driver_sql("PRAGMA legacy_alter_table=OFF")
    for trigger in triggers:
        connection.exec_driver_sql(trigger)


def _refuse_if_different(connection: Connection, table: Table) -> None:
    declared = [str(CreateTable(table).compile(dialect=connection.dialect))]
    declared += [str(CreateIndex(index).compile(dialect=connection.dialect)) for index in table.indexes]
    there = _kept(connection, "table", table) + _kept(connection, "index", table)
    if sorted(map(_parts, declared)) != sorted(map(_parts, there)):
        raise ValueError(
            f"{table.name} is not what the migration declares that it was.\n"
            f"The store has: {' '.join(there)}\nDeclared: {' '.join(declared)}"
        )


def _kept(connection: Connection, kind: str, table: Table) -> list[str]:
    """Return what the store keeps of a table, in the words that made it."""
    found = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL ORDER BY name",
        (kind, table.name),
    )
    return [sql for (sql,) in found]


def _parts(sql: str) -> list[str]:
    """Return the columns and constraints of a statement, sorted and in one layout."""
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
