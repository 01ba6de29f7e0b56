"""Empty write stores, copied from one that was migrated: all migrations take longer than most tests."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg

from app.stores.sql.engines.opening import open_database
from tests.postgres import Postgres

MIGRATED = "migrated"


async def migrated_file(folder: Path) -> Path:
    """Return a file with an empty SQLite store, as a first start leaves it."""
    file = folder / f"{MIGRATED}.db"
    async with open_database(_sqlite(file)):
        pass
    return file


async def migrated_database(server: Postgres) -> None:
    """Make a database with an empty store, as a first start leaves it; others are copied from it."""
    await server.create_database(MIGRATED)
    async with open_database(server.url(MIGRATED)):
        pass


def copied_file(migrated: Path, copy: Path) -> str:
    """Return the URL of a copy, which is a store of its own."""
    shutil.copy(migrated, copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE log_head SET store_id = ?", (uuid4().hex,))
    return _sqlite(copy)


async def copied_database(server: Postgres) -> str:
    """Return the URL of a copy of the migrated database, which is a store of its own."""
    url = await server.database(f"TEMPLATE {MIGRATED}")
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("UPDATE log_head SET store_id = $1", uuid4())
    await connection.close()
    return url


def _sqlite(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"
