#!/usr/bin/env bash
# On SQLite, a RETURNING result that was not read to its end has rowcount 0, and makes the COMMIT fail.
#
# Versions:  SQLAlchemy 2.1.9, aiosqlite 0.22.1, Python's sqlite3 (3.11, SQLite 3.40.1)
# Guess:     UPDATE ... RETURNING is done once execute() has returned: rowcount is the number of changed rows, as without
#            RETURNING, and unread rows don't matter for the commit, as on PostgreSQL.
# Behaviour: With the synchronous driver rowcount is 0, before and also after all rows are read. As long as a result
#            with unread rows is referenced, COMMIT raises "cannot commit transaction - SQL statements in progress" and
#            the changes are lost; the next transaction over the pooled connection fails the same way, until the
#            result and the error's traceback are collected. A result that no variable holds does no harm. With
#            aiosqlite the rows are read ahead: rowcount is right, and COMMIT works.
# Matters:   "UPDATE ... RETURNING, and rowcount 0 means a conflict" refuses every change, and tests with aiosqlite
#            don't show it. `for row in execute(...): break` and `.fetchone()` on several rows fail at the commit, far
#            from the cause. Use .first(), .one() or .all(), and count what they return.
# Seen:
#   sqlite, UPDATE                           rowcount 2
#   sqlite, UPDATE RETURNING                 rowcount 0, 2 rows, rowcount 0
#   sqlite+aiosqlite, UPDATE RETURNING       rowcount 2, 2 rows, rowcount 2
#   sqlite+aiosqlite, fetchone() of two      committed
#   sqlite, first() of two                   committed
#   sqlite, fetchone() of two, not kept      committed
#   sqlite, fetchone() of two, kept          cannot commit transaction - SQL statements in progress
#   the next transaction, over the pool      cannot commit transaction - SQL statements in progress
#   once the result has been collected       committed
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'sqlalchemy[asyncio]==2.1.9' aiosqlite==0.22.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import asyncio
import gc

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

metadata = sa.MetaData()
stock = sa.Table("stock", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("left", sa.Integer))
update = sa.update(stock).values(left=stock.c.left - 1)
returning = update.returning(stock.c.id)
engine = sa.create_engine("sqlite:///shop.db")
metadata.create_all(engine)


def counted(connection):
    """Return rowcount before and after the rows are read, and their number."""
    result = connection.execute(returning)
    return f"rowcount {result.rowcount}, {len(result.all())} rows, rowcount {result.rowcount}"


def first(connection):
    result = connection.execute(returning)
    result.first()
    return result


def fetchone(connection):
    result = connection.execute(returning)
    result.fetchone()
    return result


def committed(read):
    """Commit while that lives which `read` returns; return the outcome, and it."""
    kept = None
    try:
        with engine.begin() as connection:
            kept = read(connection)
    except sa.exc.OperationalError as error:
        return str(error.orig), kept
    return "committed", kept


async def by_aiosqlite(read):
    """Return what `read` returns, from a transaction that is committed while it lives."""
    asynchronous = create_async_engine("sqlite+aiosqlite:///shop.db")
    async with asynchronous.begin() as connection:
        kept = await connection.run_sync(read)
    await asynchronous.dispose()
    return kept


seen = {}
with engine.begin() as connection:
    connection.execute(stock.insert(), [{"left": 10}, {"left": 10}])
    seen["sqlite, UPDATE"] = f"rowcount {connection.execute(update).rowcount}"
    seen["sqlite, UPDATE RETURNING"] = counted(connection)
seen["sqlite+aiosqlite, UPDATE RETURNING"] = asyncio.run(by_aiosqlite(counted))
asyncio.run(by_aiosqlite(fetchone))
seen["sqlite+aiosqlite, fetchone() of two"] = "committed"
seen["sqlite, first() of two"], result = committed(first)
seen["sqlite, fetchone() of two, not kept"], _ = committed(lambda connection: connection.execute(returning).fetchone())
seen["sqlite, fetchone() of two, kept"], result = committed(fetchone)
seen["the next transaction, over the pool"], _ = committed(lambda connection: connection.execute(update).rowcount)
del result
gc.collect()
seen["once the result has been collected"], _ = committed(lambda connection: connection.execute(update).rowcount)
for what, outcome in seen.items():
    print(f"{what:40} {outcome}")
REFUSED = "cannot commit transaction - SQL statements in progress"
COUNTED = ["rowcount 2", "rowcount 0, 2 rows, rowcount 0", "rowcount 2, 2 rows, rowcount 2"]
assert list(seen.values()) == [*COUNTED, *["committed"] * 3, REFUSED, REFUSED, "committed"], seen
PYTHON
