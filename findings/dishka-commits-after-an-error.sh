#!/usr/bin/env bash
# A dependency that dishka or svcs closes after an exception never sees the exception: its transaction is committed.
#
# Versions:  dishka 1.10.1, svcs 26.2.0, SQLAlchemy 2.1.9, SQLite as in Python
# Guess:     A provider that is `with engine.begin() as connection: yield connection` rolls back if what uses it raises:
#            the exception is thrown in at the yield, as contextlib.contextmanager and FastAPI's Depends do it.
# Behaviour: The scope's exit resumes the generator as if all had gone well, so the `with` block ends normally and
#            commits. The caller still gets the exception. dishka sends the exception as the value of the yield
#            expression, which `yield connection` throws away; svcs does not tell the generator at all. Asynchronous
#            providers of dishka do the same.
# Matters:   The handler raises after its first write, the client reads "failed", and half of the command is stored;
#            it all looks like the FastAPI dependency it was copied from. In dishka write `error = yield connection` and
#            commit only without one; with svcs commit in the handler.
# Seen (one row is inserted, then ValueError; rows in the table after it):
#   contextlib.contextmanager             ValueError, 0 rows
#   dishka                                ValueError, 1 rows
#   dishka, asynchronous                  ValueError, 1 rows
#   dishka, `error = yield` is heeded     ValueError, 0 rows
#   svcs                                  ValueError, 1 rows
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dishka==1.10.1 svcs==26.2.0 sqlalchemy==2.1.9

"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from dishka import Provider, Scope, make_async_container, make_container
from sqlalchemy import Connection, StaticPool, create_engine, text
from svcs import Container, Registry

engine = create_engine("sqlite://", poolclass=StaticPool)
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE orders (id INTEGER)"))


def transaction() -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


async def async_transaction() -> AsyncIterator[Connection]:
    with engine.begin() as connection:
        yield connection


def heedful_transaction() -> Iterator[Connection]:
    with engine.connect() as connection:
        error = yield connection
        if not error:
            connection.commit()


def place(connection):
    """Store an order, and fail at what comes after."""
    connection.execute(text("INSERT INTO orders VALUES (1)"))
    raise ValueError("no such customer")


def by_contextlib():
    with contextmanager(transaction)() as connection:
        place(connection)


def by_dishka(factory=transaction):
    provider = Provider(scope=Scope.REQUEST)
    provider.provide(factory)
    with make_container(provider)() as request:
        place(request.get(Connection))


async def by_async_dishka():
    provider = Provider(scope=Scope.REQUEST)
    provider.provide(async_transaction)
    async with make_async_container(provider)() as request:
        place(await request.get(Connection))


def by_svcs():
    registry = Registry()
    registry.register_factory(Connection, transaction)
    with Container(registry) as container:
        place(container.get(Connection))


seen = {}
for name, attempt in (
    ("contextlib.contextmanager", by_contextlib),
    ("dishka", by_dishka),
    ("dishka, asynchronous", lambda: asyncio.run(by_async_dishka())),
    ("dishka, `error = yield` is heeded", lambda: by_dishka(heedful_transaction)),
    ("svcs", by_svcs),
):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM orders"))
    try:
        attempt()
        outcome = "nothing"
    except Exception as error:
        outcome = type(error).__name__
    with engine.begin() as connection:
        rows = connection.scalar(text("SELECT count(*) FROM orders"))
    seen[name] = outcome, rows
    print(f"{name:37} {outcome}, {rows} rows")
assert list(seen.values()) == [("ValueError", rows) for rows in (0, 1, 1, 0, 1)], seen
PYTHON
