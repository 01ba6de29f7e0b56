"""The home of SQL drivers: engines, column types, and the schema that all tables belong to."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec
import sqlalchemy
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    DateTime,
    Dialect,
    Executable,
    MetaData,
    Result,
    TypeDecorator,
    func,
    make_url,
    select,
    type_coerce,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.cqrs.log.events import Commits
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.postgres import Postgres
from app.stores.sql.engines.sqlite import Sqlite, make_private
from app.stores.sql.failures import Failure, UnfitStore
from app.stores.sql.migrating import Migrated, migrate, missing_migrations

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


PERSONAL = "personal"
"""The mark, in `info`, of columns with data of the person whose id is the primary key of the row."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its offset in Python and always UTC in the table."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the time in UTC; raise `ValueError` if it has no offset and could mean any moment."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"the time {value.isoformat()} has no UTC offset: give it one")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the time with its offset, which SQLite does not store."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Uuid(sqlalchemy.Uuid[UUID]):
    """A UUID; from the text that SQLite has in place of one, it is read in a quarter of the time."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return the function that makes a UUID of a stored value; `None` if the database has UUIDs."""
        as_text = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return _uuid_in if as_text else None


def _uuid_in(text: str | None) -> UUID | None:
    return None if text is None else msgspec.convert(text, UUID)


class Rows(Protocol):
    """Access to the rows of the database within one transaction."""

    async def execute(self, statement: Executable, values: Any = None, /) -> Result[Any]:
        """Execute a statement with one set of values, or once with each of several sets."""

    async def commit(self) -> None:
        """Commit the transaction."""


class Database(Migrated, Protocol):
    """The operations that differ between the databases that can be the write store."""

    example_url: str
    """An example of its URLs."""

    def is_complete(self, url: URL) -> bool:
        """Return whether a URL says which database it means."""

    def name(self, url: URL) -> str:
        """Return the database's name for messages, without a password."""

    def writing(self, url: URL) -> AsyncEngine:
        """Return an engine whose connections execute commands."""

    def reading(self, url: URL) -> AsyncEngine:
        """Return an engine whose connections read the log."""

    def rows(self, connection: AsyncConnection) -> Rows:
        """Return the object through which a command's transaction reads and writes rows."""

    def migrating(self, url: URL) -> AsyncEngine:
        """Return an engine whose only connection runs migrations."""

    async def probe(self, connection: AsyncConnection) -> None:
        """Check that the database takes writes, without changing a row; raise the driver's errors."""

    def failure(self, error: DBAPIError) -> Failure:
        """Return the kind of failure that the driver's error stands for."""

    def message(self, error: DBAPIError) -> str:
        """Return the database's error message, without values of parameters or rows."""

    @property
    def listen(self) -> Callable[[AsyncEngine, Commits], Awaitable[None]] | None:
        """The function that reports each commit of any process; `None` if the database can't notify."""


DATABASES: dict[str, Callable[[], Database]] = {"sqlite+aiosqlite": Sqlite, "postgresql+asyncpg": Postgres}
"""By the driver name in their URLs; each open store has an instance of its own."""


@dataclass(frozen=True)
class Engines:
    """Separate connection pools for commands and for reading the log, so that neither waits for the other."""

    database: Database
    name: str
    """The store's name for messages."""
    advice: str
    """The last sentence of messages about a store that can't be used: how to fix that."""
    writing: AsyncEngine
    reading: AsyncEngine


@asynccontextmanager
async def open_database(store: str | Path, *, migrates: bool = True) -> AsyncIterator[Engines]:
    """Open and migrate the write store; close it when the block ends.

    `store` is an SQLAlchemy URL, or the file of the embedded store. Raise `WriteStoreUnavailable` if the
    store can't be used; its message says what is wrong with the store or its URL. Without `migrates` a store
    that was not migrated stays as it is, and can hardly be used.
    """
    url, database = parsed(store)
    name, advice = database.name(url), advice_for(store)
    with explained(name, advice):
        if isinstance(store, Path):
            make_private(store)
        engines = Engines(database, name, advice, database.writing(url), database.reading(url))
    try:
        if migrates:
            await migrate_database(store)
        yield engines
    finally:
        await engines.reading.dispose()
        await engines.writing.dispose()


async def migrate_database(store: str | Path) -> None:
    """Migrate the write store; raise as `open_database` does."""
    url, database = parsed(store)
    with explained(database.name(url), advice_for(store)):
        engine = database.migrating(url)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate, database)
        finally:
            await engine.dispose()


def advice_for(store: str | Path) -> str:
    """Return the last sentence of messages about a store that can't be used."""
    if isinstance(store, Path):
        return "Fix that, or choose another folder with --data-dir."
    return "Fix that, or set DATABASE_URL to another store."


async def refuse_if_read_only(engines: Engines) -> None:
    """Raise `WriteStoreUnavailable`, with the reason as its message, if the store takes no writes."""
    with explained(engines.name, engines.advice):
        async with engines.writing.connect() as connection:
            await engines.database.probe(connection)


async def examine(engines: Engines) -> tuple[Sequence[str], datetime]:
    """Return the migrations that the store lacks, and the time by its clock.

    Raise `WriteStoreUnavailable` if the store does not answer or can't be used by this program.
    """
    with explained(engines.name, engines.advice):
        async with engines.reading.connect() as connection:
            missing = await connection.run_sync(missing_migrations, engines.database)
            now = select(type_coerce(func.current_timestamp(), UtcDateTime()))
            return missing, (await connection.execute(now)).scalar_one()


def parsed(store: str | Path, *, setting: str = "DATABASE_URL") -> tuple[URL, Database]:
    """Return the URL of a store and the operations on its kind of database; raise as `open_database` does.

    The message names the `setting` that has the URL.
    """
    if isinstance(store, Path):  # Never parsed as a URL: a folder's name may contain any character.
        return URL.create("sqlite+aiosqlite", database=str(store)), DATABASES["sqlite+aiosqlite"]()
    with suppress(ArgumentError, ValueError):  # Their messages may quote a part of the password.
        url = make_url(store)
        if (kind := DATABASES.get(url.drivername)) and (database := kind()).is_complete(url):
            return url, database
    forms = " or ".join(database.example_url for database in (kind() for kind in DATABASES.values()))
    raise WriteStoreUnavailable(
        f"{setting} is not the URL of a supported database (it is not shown, because it may contain a "
        f"password).\nSet it to a URL like {forms}. "
        "Write special characters in a user name or password as %XX; the port is a number."
    )


@contextmanager
def explained(name: str, advice: str, what: str = "write store") -> Iterator[None]:
    """Raise the errors of databases as `WriteStoreUnavailable`, whose message ends with `advice`."""
    try:
        yield
    except UnfitStore as error:
        raise UnfitStore(f"Can't use the {what} ({name}): {error}") from error
    except (
        SQLAlchemyError,
        CommandError,
        ImportError,
        OSError,
        TimeoutError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"Can't open the {what} ({name}): {_reason(error)}."
        raise WriteStoreUnavailable(f"{reason}\n{advice}") from error


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and (cause.errno or 0) > 0:
        return os.strerror(cause.errno or 0)
    said = cause.strerror if isinstance(cause, OSError) else str(cause)
    return (said or "it does not answer").rstrip(".")
