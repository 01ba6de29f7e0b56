"""PostgreSQL as the write store: commands run concurrently, and each commit notifies all processes."""

import os

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.cqrs.log.events import Commits
from app.stores.sql.engines.postgres_notifications import listen
from app.stores.sql.failures import Failure, UnfitStore

WRITERS, READERS = 16, 5
"""Sizes of the connection pools for commands and for reading the log."""

_SETTINGS = {
    "application_name": "diptych",
    "lock_timeout": "5s",
    # Otherwise a process that hangs in the middle of a command keeps the others from committing.
    "idle_in_transaction_session_timeout": "10s",
    # If the database's own default is stricter, a command that has waited for a row fails when it gets the
    # lock, and a repeated statement does not see what others have committed meanwhile.
    "default_transaction_isolation": "read committed",
}
_CONNECTION = {
    "timeout": 5,  # seconds to connect
    "command_timeout": 10,  # seconds for a statement
    "server_settings": _SETTINGS,
}
_MIGRATION_LOCK = 0xD1B7  # key of the advisory lock under which migrations run
_FAILURES = {
    "23505": Failure.LOST_RACE,  # unique_violation
    "40001": Failure.LOST_RACE,  # serialization_failure
    "40P01": Failure.LOST_RACE,  # deadlock_detected
    "55P03": Failure.LOST_RACE,  # lock_not_available
    "53100": Failure.FULL,  # disk_full
    "25006": Failure.READ_ONLY,  # read_only_sql_transaction
    "22": Failure.IMPOSSIBLE,  # data_exception, such as a character that can't be encoded
    "23": Failure.IMPOSSIBLE,  # integrity_constraint_violation
    "54": Failure.IMPOSSIBLE,  # program_limit_exceeded
    "28": Failure.DAMAGED,  # invalid_authorization_specification
    "3D": Failure.DAMAGED,  # invalid_catalog_name
    "3F": Failure.DAMAGED,  # invalid_schema_name
    "42": Failure.DAMAGED,  # syntax_error_or_access_rule_violation: a missing table, column or right
    "XX001": Failure.DAMAGED,  # data_corrupted
    "XX002": Failure.DAMAGED,  # index_corrupted
}
"""By SQLSTATE, or else by its class, which is its first two characters."""

_IMPERSONAL_CLASSES = {"08", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58", "XX"}
"""Classes of SQLSTATEs whose messages are about the server, a lock or the statement, and quote no value."""


class Postgres:
    """The operations of `Database` on PostgreSQL."""

    example_url = "postgresql+asyncpg://user:password@host/database"

    def is_complete(self, _url: URL) -> bool:
        """Return `True`: the environment or the server decides what a URL leaves out."""
        return True

    def name(self, url: URL) -> str:
        """Return the database's name for messages, without a password."""
        hosts = url.host or url.query.get("host") or os.environ.get("PGHOST") or "localhost"
        host = hosts if isinstance(hosts, str) else ",".join(hosts)
        port = f":{url.port}" if url.port else ""
        return f"PostgreSQL, database {url.database or 'of the user'} at {host}{port}"

    def writing(self, url: URL) -> AsyncEngine:
        """Return an engine whose connections execute commands."""
        return create_async_engine(
            url, pool_size=WRITERS, max_overflow=0, connect_args=_CONNECTION, hide_parameters=True
        )

    def reading(self, url: URL) -> AsyncEngine:
        """Return an engine whose every statement sees the newest commits."""
        return create_async_engine(
            url,
            pool_size=READERS,
            max_overflow=0,
            connect_args=_CONNECTION,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )

    def migrating(self, url: URL) -> AsyncEngine:
        """Return an engine for migrations, whose statements have no timeout: some alter large tables."""
        settings = {**_SETTINGS, "lock_timeout": "60s", "idle_in_transaction_session_timeout": "0"}
        patience = {**_CONNECTION, "command_timeout": None, "server_settings": settings}
        return create_async_engine(
            url, pool_size=1, max_overflow=0, connect_args=patience, hide_parameters=True
        )

    def rows(self, connection: AsyncConnection) -> AsyncConnection:
        """Return the connection itself."""
        return connection

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Raise `UnfitStore` if the database's settings would lose or refuse data."""
        shown = connection.exec_driver_sql(
            "SELECT current_setting('server_encoding'), current_setting('synchronous_commit')"
        )
        encoding, synchronous_commit = shown.one()
        if encoding != "UTF8":
            raise UnfitStore(
                f"its encoding is {encoding}, which can't store every name.\n"
                "Create another database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and set "
                "DATABASE_URL to that one."
            )
        if synchronous_commit == "off":
            raise UnfitStore(
                "its synchronous_commit is off: it would lose accepted commands in a crash.\n"
                "Set it with ALTER DATABASE … SET synchronous_commit = on."
            )

    def lock_migrations(self, connection: Connection) -> None:
        """Wait until no other process runs migrations; the lock lasts until the transaction ends."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")

    def refuse_broken_references(self, _connection: Connection) -> None:
        """Do nothing: the database itself never lets rows refer to others that are not there."""

    async def probe(self, connection: AsyncConnection) -> None:
        """Send an update that matches no row: it waits for no command, and a read-only server refuses it."""
        await connection.execute(text("UPDATE log_head SET position = position WHERE false"))
        await connection.rollback()

    def failure(self, error: DBAPIError) -> Failure:
        """Return the kind of failure that the SQLSTATE stands for."""
        code = getattr(error.orig, "sqlstate", None) or ""
        return _FAILURES.get(code) or _FAILURES.get(code[:2]) or Failure.AWAY

    def message(self, error: DBAPIError) -> str:
        """Return the error's name, SQLSTATE and constraint, with the message only if it quotes no value."""
        cause = (error.orig and error.orig.__cause__) or error.orig
        name, state = type(cause).__name__, getattr(cause, "sqlstate", None)
        if not state:
            return name  # An error of the driver: its message quotes the parameter that it can't encode.
        words = str(cause.args[0]) if cause and state[:2] in _IMPERSONAL_CLASSES else ""
        return " ".join(filter(None, (name, state, getattr(cause, "constraint_name", None), words)))

    async def listen(self, engine: AsyncEngine, commits: Commits) -> None:
        """Notify `commits` of each commit of any process, until cancelled."""
        await listen(engine, commits)
