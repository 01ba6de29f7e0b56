"""The home of SQL drivers: engines, column types, and the schema that all tables belong to."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from alembic.util import CommandError
from sqlalchemy import (
    URL,
    CursorResult,
    DateTime,
    Dialect,
    Executable,
    MetaData,
    TypeDecorator,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.cqrs.log.events import Commits
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.failures import Failure, UnfitStore
from app.stores.sql.migrating import Migrated, migrate
from app.stores.sql.postgres import Postgres
from app.stores.sql.sqlite import Sqlite, make_private

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the write store, the event log's and the contexts'."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its offset in Python and always UTC in the table."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuses a time without an offset: it could mean any moment."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Gives back the offset that SQLite does not keep."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Rows(Protocol):
    """One transaction's statements."""

    async def execute(self, statement: Executable, values: Any = None, /) -> CursorResult[Any]:
        """Executes a statement with these values, or with each of several sets of values."""

    async def commit(self) -> None:
        """Ends the transaction."""


class Database(Migrated, Protocol):
    """What differs between the databases that can be the write store."""

    form: str
    """What its URLs look like."""

    def is_complete(self, url: URL) -> bool:
        """Return whether a URL says which database it means."""

    def name(self, url: URL) -> str:
        """Name the database in words, without a password."""

    def writing(self, url: URL) -> AsyncEngine:
        """Connections for commands."""

    def reading(self, url: URL) -> AsyncEngine:
        """Connections for following the log."""

    def rows(self, connection: AsyncConnection) -> Rows:
        """What a command's transaction reads and writes its rows through."""

    def migrating(self, url: URL) -> AsyncEngine:
        """Make a connection for migrations."""

    async def probe(self, connection: AsyncConnection) -> None:
        """Write what is there already; raise what the driver does."""

    def failure(self, error: DBAPIError) -> Failure:
        """Return what it means that a statement failed."""

    def said(self, error: DBAPIError) -> str:
        """Return what the database says is wrong, without the values that it was given or has."""

    @property
    def listen(self) -> Callable[[AsyncEngine, Commits], Awaitable[None]] | None:
        """Tells of each commit of any process, for ever; `None` where the database can't tell."""


DATABASES: dict[str, Callable[[], Database]] = {"sqlite+aiosqlite": Sqlite, "postgresql+asyncpg": Postgres}
"""By how their URLs begin; each store that is opened has one of its own."""


@dataclass(frozen=True)
class Engines:
    """One way in for writing and another for following the log, so that neither waits for the other."""

    database: Database
    name: str
    """The store in words."""
    advice: str
    """What to do where it can't be used."""
    writing: AsyncEngine
    reading: AsyncEngine


@asynccontextmanager
async def open_database(store: str | Path) -> AsyncIterator[Engines]:
    """Open the write store, migrate it, and close it in the end.

    `store` is an SQLAlchemy URL, or the file of the embedded store. Raises `WriteStoreUnavailable`, whose
    text says what is wrong with the store or its URL.
    """
    where, database = _named_by(store)
    name = database.name(where)
    advice = (
        "Mend that, or choose another folder with --data-dir."
        if isinstance(store, Path)
        else "Mend that, or name another store in DATABASE_URL."
    )
    with _explained(name, advice):
        if isinstance(store, Path):
            make_private(store)
        engines = Engines(database, name, advice, database.writing(where), database.reading(where))
    try:
        with _explained(name, advice):
            await _migrate(database.migrating(where), database)
        yield engines
    finally:
        await engines.reading.dispose()
        await engines.writing.dispose()


async def _migrate(engine: AsyncEngine, database: Database) -> None:
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate, database)
    finally:
        await engine.dispose()


async def refuse_if_read_only(engines: Engines) -> None:
    """Raise `WriteStoreUnavailable`, whose text says why, where the store takes no writes."""
    with _explained(engines.name, engines.advice):
        async with engines.writing.connect() as connection:
            await engines.database.probe(connection)


def _named_by(store: str | Path) -> tuple[URL, Database]:
    if isinstance(store, Path):  # Never read as a URL: a folder's name may have any character.
        return URL.create("sqlite+aiosqlite", database=str(store)), DATABASES["sqlite+aiosqlite"]()
    with suppress(ArgumentError, ValueError):  # whose texts may quote a part of the password
        where = make_url(store)
        if (kind := DATABASES.get(where.drivername)) and (database := kind()).is_complete(where):
            return where, database
    forms = " or ".join(database.form for database in (kind() for kind in DATABASES.values()))
    raise WriteStoreUnavailable(
        f"DATABASE_URL must look like {forms}.\n"
        "Special characters in a user's name or password are written as %XX; the port is a number."
    )


@contextmanager
def _explained(name: str, advice: str) -> Iterator[None]:
    try:
        yield
    except UnfitStore as error:
        raise UnfitStore(f"Can't use the write store ({name}): {error}") from error
    except (
        SQLAlchemyError,
        CommandError,
        ImportError,
        OSError,
        TimeoutError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"Can't open the write store ({name}): {_reason(error)}."
        raise WriteStoreUnavailable(f"{reason}\n{advice}") from error


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and (cause.errno or 0) > 0:
        return os.strerror(cause.errno or 0)
    said = cause.strerror if isinstance(cause, OSError) else str(cause)
    return (said or "it does not answer").rstrip(".")
