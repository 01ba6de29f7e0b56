"""PostgreSQL as the write store: commands run side by side, and every commit is told of."""

import os

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.cqrs.log.events import Commits
from app.stores.sql.failures import Failure, UnfitStore
from app.stores.sql.postgres_notifications import listen

WRITERS, READERS = 16, 5
"""How many connections the service has for commands, and for following the log."""

_SETTINGS = {
    "application_name": "diptych",
    "lock_timeout": "5s",
    # A process that hangs in the middle of a command must not keep the others from committing.
    "idle_in_transaction_session_timeout": "10s",
    # The database's own default may be another one: then commands that wait for the same row would fail when
    # they get it, and a statement that is repeated would not see what others have committed.
    "default_transaction_isolation": "read committed",
}
_CONNECTION = {
    "timeout": 5,  # seconds to connect
    "command_timeout": 10,  # seconds for a statement
    "server_settings": _SETTINGS,
}
_TURN = 0xD1B7  # of migrations, among PostgreSQL's advisory locks
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
"""By PostgreSQL's error code, or else by its class, the first two characters."""

_QUOTES_NOTHING = {"08", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58", "XX"}
"""Classes of SQLSTATEs whose messages are about the server, a lock or the statement, but no value."""


class Postgres:
    """What is PostgreSQL's own way."""

    form = "postgresql+asyncpg://user:password@host/database"

    def is_complete(self, _url: URL) -> bool:
        """Return `True`: the environment or the server decides what a URL leaves out."""
        return True

    def name(self, url: URL) -> str:
        """Name the database in words, without a password."""
        hosts = url.host or url.query.get("host") or os.environ.get("PGHOST") or "localhost"
        host = hosts if isinstance(hosts, str) else ",".join(hosts)
        port = f":{url.port}" if url.port else ""
        return f"PostgreSQL, database {url.database or 'of the user'} at {host}{port}"

    def writing(self, url: URL) -> AsyncEngine:
        """Connections for commands, which lock the rows that they change or rely on."""
        return create_async_engine(
            url, pool_size=WRITERS, max_overflow=0, connect_args=_CONNECTION, hide_parameters=True
        )

    def reading(self, url: URL) -> AsyncEngine:
        """Connections whose every statement sees the newest commits."""
        return create_async_engine(
            url,
            pool_size=READERS,
            max_overflow=0,
            connect_args=_CONNECTION,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )

    def migrating(self, url: URL) -> AsyncEngine:
        """Make a connection that may take its time: a large table is not altered in seconds."""
        settings = {**_SETTINGS, "lock_timeout": "60s", "idle_in_transaction_session_timeout": "0"}
        patience = {**_CONNECTION, "command_timeout": None, "server_settings": settings}
        return create_async_engine(
            url, pool_size=1, max_overflow=0, connect_args=patience, hide_parameters=True
        )

    def rows(self, connection: AsyncConnection) -> AsyncConnection:
        """What a command's transaction reads and writes its rows through."""
        return connection

    def refuse_if_unfit(self, connection: Connection) -> None:
        """Raise `UnfitStore` where the database is set up so that it can't keep what it is given."""
        shown = connection.exec_driver_sql(
            "SELECT current_setting('server_encoding'), current_setting('synchronous_commit')"
        )
        encoding, synchronous_commit = shown.one()
        if encoding != "UTF8":
            raise UnfitStore(
                f"its encoding is {encoding}, which can't hold every name.\n"
                "Make another one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that "
                "one in DATABASE_URL."
            )
        if synchronous_commit == "off":
            raise UnfitStore(
                "its synchronous_commit is off: it would lose accepted commands in a crash.\n"
                "Set it with ALTER DATABASE … SET synchronous_commit = on."
            )

    def take_turns(self, connection: Connection) -> None:
        """Migrations of several processes that start at once run one after the other."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")

    def refuse_broken_references(self, _connection: Connection) -> None:
        """Do nothing: the database itself never lets rows refer to others that are not there."""

    async def probe(self, connection: AsyncConnection) -> None:
        """Update no row, which waits for no command and wakes nobody: a standby refuses that, too."""
        await connection.execute(text("UPDATE log_head SET position = position WHERE false"))
        await connection.rollback()

    def failure(self, error: DBAPIError) -> Failure:
        """Return what it means that a statement failed."""
        code = getattr(error.orig, "sqlstate", None) or ""
        return _FAILURES.get(code) or _FAILURES.get(code[:2]) or Failure.AWAY

    def said(self, error: DBAPIError) -> str:
        """Return the server's error in its own words, but for those that quote rows and parameters."""
        cause = (error.orig and error.orig.__cause__) or error.orig
        name, state = type(cause).__name__, getattr(cause, "sqlstate", None)
        if not state:
            return name  # of the driver, which quotes the parameter that it can't encode
        words = str(cause.args[0]) if cause and state[:2] in _QUOTES_NOTHING else ""
        return " ".join(filter(None, (name, state, getattr(cause, "constraint_name", None), words)))

    async def listen(self, engine: AsyncEngine, commits: Commits) -> None:
        """Tell `commits` whenever any process has committed, for ever."""
        await listen(engine, commits)
