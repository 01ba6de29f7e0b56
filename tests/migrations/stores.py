"""Write stores on their way through the migrations: filled with rows, and compared with what they were."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Uuid,
    make_url,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.contexts import CONTEXTS
from app.migrations.altering import parts_of
from app.stores.sql import transactions
from app.stores.sql.differences import tables_of
from app.stores.sql.engines.opening import DATABASES
from app.stores.sql.keys import tables
from app.stores.sql.migrating import migrate
from app.stores.sql.operating import revocations

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

TABLES = tables_of([*(each.tables for each in CONTEXTS), revocations, tables, transactions])
"""The tables of the program, without those of tests that are imported beside them."""

ROWS = 5
"""Rows that each table is filled with."""

_MOMENT = datetime(2024, 5, 31, 14, tzinfo=UTC)


@asynccontextmanager
async def migrating(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection as the service migrates its store with."""
    where = make_url(url)
    engine = DATABASES[where.drivername]().migrating(where)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def migrated(url: str, to: str, *more: Path) -> None:
    """The store at a URL is brought up to a migration."""
    async with migrating(url) as connection:
        await connection.run_sync(migrate, DATABASES[make_url(url).drivername](), to, *more)
        await connection.commit()


def filled(connection: Connection) -> None:
    """Every table that is empty gets rows, which refer to one another where the tables do."""
    for table in _tables(connection).sorted_tables:
        if connection.execute(select(table).limit(1)).first() is None:
            connection.execute(
                table.insert(), [{c.name: _value(c, number) for c in table.columns} for number in range(ROWS)]
            )
    connection.commit()


def _value(column: Any, number: int) -> Any:
    match column.type:
        case Uuid():
            return UUID(int=number + 1)
        case Boolean():
            return bool(number % 2)
        case Integer() | Numeric():
            return number + 1
        case DateTime():
            moment = _MOMENT + timedelta(hours=number)
            return moment if column.type.timezone else moment.replace(tzinfo=None)
        case LargeBinary():
            return f"sealed {number}".encode()
    if column.type.length == 32 and column.type.__class__.__name__ == "CHAR":  # how SQLite keeps a UUID
        return UUID(int=number + 1).hex
    # One form, whatever it is compared by.
    return f"ada-{number}@example.com"


def rows_of(connection: Connection) -> Rows:
    """All rows of all tables."""
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in _tables(connection).sorted_tables
    }


def _tables(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def changes(before: Rows, after: Rows) -> dict[str, object]:
    """What has become of rows and columns that were there before; empty where all is as it was."""
    found: dict[str, object] = {}
    for table, rows in before.items():
        there = after.get(table)
        if there is None or len(there) != len(rows):
            found[table] = None if there is None else len(there)
            continue
        for column in rows[0] if rows else ():
            if sorted(str(row[column]) for row in rows) != sorted(str(row.get(column)) for row in there):
                found[f"{table}.{column}"] = [row.get(column) for row in there]
    return found


async def schema_of(connection: AsyncConnection) -> list[str]:
    """Every column, constraint and index in the store's own words; the code's tables have no triggers."""
    if connection.dialect.name == "sqlite":
        kept = await connection.execute(
            text("SELECT sql FROM sqlite_master WHERE name <> 'alembic_version' AND type <> 'trigger'")
        )
        return sorted(in_parts(sql) for (sql,) in kept if sql)
    return [str(row) for row in (await connection.execute(text(_POSTGRES_SCHEMA))).all()]


def in_parts(sql: str) -> str:
    """A statement of SQLite with a table's parts sorted: a column that was added in place is among others."""
    return "\n".join(parts_of(sql)) if sql.startswith("CREATE TABLE") else sql.replace('"', "")


_POSTGRES_SCHEMA = """
    SELECT c.relname, 'column', a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
        coalesce(pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname <> 'alembic_version'
    UNION ALL SELECT conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text <> 'alembic_version' AND contype <> 'n'
    UNION ALL SELECT tablename, 'index', indexname, indexdef, '', ''
    FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    ORDER BY 1, 2, 3
"""
