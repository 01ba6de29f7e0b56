"""Copies of the write store as it is at one moment, which are taken while commands are carried out.

SQLite's copy is a file, made by `VACUUM INTO`: it reads one state of the store, and blocks no writer.
PostgreSQL's copy is a file of rows for each table, read in one transaction that sees one state of the
database: this needs no program of PostgreSQL's, and any version of it, or SQLite, can take the rows.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, func, select, text

from app.stores.sql.backups.files import opened
from app.stores.sql.backups.people import emptied, people_in, personal_columns, sealed_people
from app.stores.sql.backups.portable import Columns, layout, stored_rows, table_of, written
from app.stores.sql.engines.opening import Database, explained, parsed
from app.stores.sql.engines.sqlite_file import refuse_if_half_restored
from app.stores.sql.failures import UnfitStore
from app.stores.sql.keys.person_keys import Keys, PersonKeys
from app.stores.sql.keys.tables import sealing
from app.stores.sql.migrating import missing_migrations
from app.stores.sql.transactions import events, log_head, secrets

SQLITE_FILE = "log.db"
"""The name of the copy of an SQLite store."""

ADVICE = "Fix that, and back up again."


@dataclass(frozen=True, kw_only=True)
class TableCopy:
    """A table in a backup."""

    columns: Columns
    rows: int


@dataclass(frozen=True, kw_only=True)
class LogCopy:
    """A copy of a write store: its log and all that commands rely on."""

    engine: str
    """`sqlite` or `postgresql`."""
    store_id: UUID
    head: int
    """The position of the newest event; 0 in an empty log."""
    event_id: UUID | None
    """The id of the newest event; `None` in an empty log."""
    revision: str
    """The newest migration of the store."""
    tables: Mapping[str, TableCopy]
    keys_id: UUID | None = None
    """The id of the store with the keys of its personal data; `None` if nothing in it is sealed."""


async def take(store: str | Path, folder: Path, keys: PersonKeys) -> LogCopy:
    """Copy the write store into a folder that has no copy yet; raise `WriteStoreUnavailable`.

    The keys that sign tokens stay out of it: who finds a backup must not be able to forge tokens. So do those
    of personal data, with which it is sealed in rows, too.
    """
    url, database = parsed(store)
    with explained(database.name(url), ADVICE):
        if url.get_backend_name() == "sqlite":
            copy = await _copied(Path(url.database or ""), folder, database, keys)
        else:
            copy = await _exported(url, database, folder, keys)
        return replace(copy, keys_id=keys.secrets.store_id)


def rows_file(folder: Path, table: str) -> Path:
    """Return the file of a table's rows in a backup of PostgreSQL."""
    return folder / f"{table}.jsonl"


async def _copied(file: Path, folder: Path, database: Database, keys: PersonKeys) -> LogCopy:
    copy = folder / SQLITE_FILE
    people = await asyncio.to_thread(_vacuumed, file, copy, database, keys)
    found = await keys.made(people)
    return await asyncio.to_thread(_without_people, copy, folder, found)


def _vacuumed(file: Path, copy: Path, database: Database, keys: PersonKeys) -> set[UUID]:
    refuse_if_half_restored(file)
    if not file.exists():
        raise UnfitStore(f"there is no store to back up.\n{ADVICE}")
    with opened(file) as store:
        _refuse_if_unknown(store, database)
        store.execute(text("VACUUM INTO :copy"), {"copy": str(copy)})
    copy.chmod(0o600)
    with opened(copy) as store:
        return _people(store, keys)


def _people(store: Connection, keys: PersonKeys) -> set[UUID]:
    """Return the ids of all people in the rows; raise `UnfitStore` if these are not their keys."""
    found = layout(store)
    if sealing.name in found:
        known = store.execute(select(sealing.c.keys_id)).scalar_one()
        if known not in (None, keys.secrets.store_id):
            raise UnfitStore(f"the keys of its personal data are not in {keys.store.name}.\n{ADVICE}")
    return people_in(store, found)


def _without_people(copy: Path, folder: Path, keys: Keys) -> LogCopy:
    with opened(copy, writes=True) as store:
        store.exec_driver_sql("PRAGMA journal_mode=DELETE")
        store.exec_driver_sql("PRAGMA secure_delete=ON")  # Otherwise the key's bytes stay in the file.
        found = layout(store)
        if secrets.name in found:
            store.execute(secrets.delete())
        sealed_people(store, found, keys, folder)
        emptied(store, found)
        tables = {
            name: TableCopy(columns=columns, rows=_count(store, name, columns))
            for name, columns in found.items()
        }
        return _described(store, "sqlite", tables)


async def _exported(url: URL, database: Database, folder: Path, keys: PersonKeys) -> LogCopy:
    engine = database.migrating(url)  # Its statements have no timeout.
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            people = await connection.run_sync(_people, keys)
            found = await keys.made(people)
            return await connection.run_sync(_rows_exported, database, folder, found)
    finally:
        await engine.dispose()


def _rows_exported(store: Connection, database: Database, folder: Path, keys: Keys) -> LogCopy:
    _refuse_if_unknown(store, database)
    tables, found = {}, layout(store)
    sealed_people(store, found, keys, folder)
    for name, columns in found.items():
        hidden = [each for each in personal_columns(name) if each in columns]
        rows = [] if name == secrets.name else stored_rows(store, name, columns, hidden)
        tables[name] = TableCopy(columns=columns, rows=written(rows_file(folder, name), rows))
    return _described(store, "postgresql", tables)


def _refuse_if_unknown(store: Connection, database: Database) -> None:
    """Raise `UnfitStore` if a newer version has migrated the store, or none has."""
    missing_migrations(store, database)
    if not MigrationContext.configure(store).get_current_heads():
        raise UnfitStore(f"it has no tables of Diptych, so there is nothing to back up.\n{ADVICE}")


def _described(store: Connection, engine: str, tables: Mapping[str, TableCopy]) -> LogCopy:
    newest = select(events.c.position, events.c.event_id).order_by(events.c.position.desc()).limit(1)
    head = store.execute(newest).one_or_none()
    return LogCopy(
        engine=engine,
        store_id=store.execute(select(log_head.c.store_id)).scalar_one(),
        head=head.position if head else 0,
        event_id=head.event_id if head else None,
        revision=MigrationContext.configure(store).get_current_heads()[0],
        tables=tables,
        keys_id=store.execute(select(sealing.c.keys_id)).scalar_one() if sealing.name in tables else None,
    )


def _count(store: Connection, name: str, columns: Columns) -> int:
    count: int = store.execute(select(func.count()).select_from(table_of(name, columns))).scalar_one()
    return count
