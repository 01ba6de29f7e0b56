"""Restoring of the write store from a backup, all of it or nothing.

A restored store has a new id and a new key for its consistency tokens: those of the store that was backed up
may stand for events that the backup does not have, and are refused at once.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes
from time import monotonic, sleep
from uuid import uuid4

from sqlalchemy import URL, Connection, func, inspect, select, text

from app.stores.sql.backups.contents import rows_of
from app.stores.sql.backups.files import opened
from app.stores.sql.backups.people import put_back
from app.stores.sql.backups.placing import Placing
from app.stores.sql.backups.portable import layout, table_of
from app.stores.sql.backups.taking import SQLITE_FILE, LogCopy
from app.stores.sql.engines.opening import Database, explained, metadata, parsed
from app.stores.sql.failures import UnfitStore
from app.stores.sql.keys.person_keys import Keys
from app.stores.sql.keys.tables import sealing
from app.stores.sql.migrating import migrate, missing_migrations
from app.stores.sql.transactions import commands, events, log_head, secrets

ADVICE = "Fix that, and restore again."

FUNCTIONS = ("tell_of_events", "tell_of_command", "hold_log", "correct_head")
"""All functions that the migrations create in PostgreSQL."""

STOP = "Stop the service, and restore again."

DISCONNECTING = 2.0
"""Seconds for which PostgreSQL may still show the connections of a program that has ended."""

_IN_USE = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'diptych' AND pid <> pg_backend_pid()"
)

_LOOK_AGAIN = text("SELECT pg_stat_clear_snapshot()")
"""Otherwise a transaction goes on seeing the connections that it has seen first."""


async def refuse_unless_free(store: str | Path, *, overwrite: bool) -> None:
    """Raise `WriteStoreUnavailable` if the write store must not be replaced now."""
    url, database = parsed(store)
    with explained(database.name(url), ADVICE):
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_refuse_file, _placing(url), overwrite)
        else:
            await _in_a_transaction(
                url, database, lambda connection: _refuse_database(connection, database, overwrite)
            )


async def restore(
    store: str | Path,
    copy: LogCopy,
    folder: Path,
    keys: Keys,
    *,
    overwrite: bool,
    backup: str = "DIR",
) -> None:
    """Make the write store the copy in a folder; raise `WriteStoreUnavailable`.

    If that is interrupted, PostgreSQL shows none of it, and an SQLite store is refused until the restore has
    been repeated; `backup` is the argument to repeat it with. Personal data is there of those in `keys`.
    """
    url, database = parsed(store)
    with explained(database.name(url), ADVICE):
        if url.get_backend_name() == "sqlite":
            await _restore_file(url, copy, folder, keys, database, overwrite=overwrite, backup=backup)
        else:
            await _restore_database(url, copy, folder, keys, database, overwrite=overwrite)


async def _restore_file(
    url: URL, copy: LogCopy, folder: Path, keys: Keys, database: Database, *, overwrite: bool, backup: str
) -> None:
    placing = _placing(url)
    await asyncio.to_thread(_refuse_file, placing, overwrite)
    with placing.replacement(backup) as new:
        if copy.engine == "sqlite":
            await asyncio.to_thread(_copied, folder, new, keys)
        else:
            new_url = url.set(database=str(new))
            await _in_a_transaction(
                new_url, database, lambda connection: _load(connection, copy, folder, keys, database)
            )


async def _restore_database(
    url: URL, copy: LogCopy, folder: Path, keys: Keys, database: Database, *, overwrite: bool
) -> None:
    def replace(connection: Connection) -> None:
        database.lock_migrations(connection)
        _refuse_database(connection, database, overwrite)
        _drop(connection)
        _load(connection, copy, folder, keys, database)

    await _in_a_transaction(url, database, replace)


async def _in_a_transaction(url: URL, database: Database, work: Callable[[Connection], None]) -> None:
    engine = database.migrating(url)  # Its statements have no timeout.
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _placing(url: URL) -> Placing:
    if url.query:
        raise UnfitStore(f"its URL has options, and only a plain file can be restored.\n{ADVICE}")
    return Placing(Path(url.database or "").absolute())


def _has_data(found: str) -> UnfitStore:
    return UnfitStore(f"{found}.\nGive --overwrite to replace all of it by the backup.")


def _refuse_file(placing: Placing, overwrite: bool) -> None:
    placing.refuse_if_in_use()
    if not (overwrite or placing.is_unfinished) and (found := placing.data()):
        raise _has_data(found)


def _refuse_database(connection: Connection, database: Database, overwrite: bool) -> None:
    missing_migrations(connection, database)  # This raises if a newer version has migrated the store.
    give_up = monotonic() + DISCONNECTING
    while count := connection.execute(_IN_USE).scalar_one():
        if monotonic() > give_up:
            raise UnfitStore(f"{count} connections of Diptych to it are open.\n{STOP}")
        sleep(0.05)  # Nothing else runs in this process.
        connection.execute(_LOOK_AGAIN)
    if not overwrite and inspect(connection).has_table(events.name):
        head = connection.execute(select(func.max(events.c.position))).scalar_one()
        if head:
            raise _has_data(f"its log has {head:,} events")


def _drop(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table.name}" CASCADE')
    connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    for function in FUNCTIONS:
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function}()")


def _load(connection: Connection, copy: LogCopy, folder: Path, keys: Keys, database: Database) -> None:
    """Create the tables as they were when the backup was made, and insert its rows."""
    migrate(connection, database, copy.revision)
    found = layout(connection)
    with_triggers = [commands.name, log_head.name] if connection.dialect.name == "postgresql" else []
    for name in with_triggers:  # They would tell the listeners to each row that it was committed.
        connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    for name, columns in reversed(list(found.items())):
        connection.execute(table_of(name, columns).delete())  # Migrations have inserted a few rows.
    for name, contents in copy.tables.items():
        insert, names = table_of(name, found[name]).insert(), list(contents.columns)
        for rows in rows_of(copy, folder, name):
            connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])
    put_back(connection, folder, keys)
    _renew(connection)
    for name in with_triggers:
        connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    database.refuse_broken_references(connection)


def _copied(folder: Path, new: Path, keys: Keys) -> None:
    new.write_bytes(b"")
    new.chmod(0o600)
    with (folder / SQLITE_FILE).open("rb") as source, new.open("wb") as target:
        while portion := source.read(1 << 20):
            target.write(portion)
    with opened(new, writes=True) as connection:
        connection.exec_driver_sql("BEGIN")
        put_back(connection, folder, keys)
        connection.exec_driver_sql("COMMIT")
        _renew(connection)


def _renew(connection: Connection) -> None:
    """Give the store a new id and a new key for its tokens; it takes the keys that it is opened with next."""
    connection.execute(log_head.update().values(store_id=uuid4()))
    if inspect(connection).has_table(sealing.name):
        connection.execute(sealing.update().values(keys_id=None))
    if inspect(connection).has_table(secrets.name):  # Otherwise a migration will create the key.
        connection.execute(secrets.delete())
        connection.execute(secrets.insert().values(name="tokens", value=token_bytes(32)))
