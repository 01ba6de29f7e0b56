"""PostgreSQL as the write store: commands run side by side, and every commit is told of."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

CHANNEL = "diptych_events"
"""Where a trigger of the log's head tells of each commit."""

WRITERS, READERS = 16, 5
"""How many connections the service has for commands, and for following the log."""

_PATIENCE = {
    "timeout": 5,  # seconds to connect
    "command_timeout": 10,  # seconds for a statement
    "server_settings": {
        "application_name": "diptych",
        "lock_timeout": "5s",
        # A process that hangs in the middle of a command must not keep the others from committing.
        "idle_in_transaction_session_timeout": "10s",
    },
}
_TURN = 0xD1B7  # of migrations, among PostgreSQL's advisory locks
_LOST_RACES = {
    "23505",  # unique_violation
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available
}

_DISK_FULL = "53100"

logger = logging.getLogger(__name__)


class Postgres:
    """What is PostgreSQL's own way."""

    form = "postgresql+asyncpg://user:password@host/database"

    def is_complete(self, _url: URL) -> bool:
        """Whether a URL names a database: the environment or the server decides what it leaves out."""
        return True

    def name(self, url: URL) -> str:
        """The database in words, without a password."""
        hosts = url.host or url.query.get("host") or os.environ.get("PGHOST") or "localhost"
        host = hosts if isinstance(hosts, str) else ",".join(hosts)
        port = f":{url.port}" if url.port else ""
        return f"PostgreSQL, database {url.database or 'of the user'} at {host}{port}"

    def writing(self, url: URL) -> AsyncEngine:
        """Connections for commands, which lock the rows that they change or rely on."""
        return create_async_engine(url, pool_size=WRITERS, max_overflow=0, connect_args=_PATIENCE)

    def reading(self, url: URL) -> AsyncEngine:
        """Connections whose every statement sees the newest commits."""
        return create_async_engine(
            url, pool_size=READERS, max_overflow=0, connect_args=_PATIENCE, isolation_level="AUTOCOMMIT"
        )

    def rows(self, connection: AsyncConnection) -> AsyncConnection:
        """What a command's transaction reads and writes its rows through."""
        return connection

    def take_turns(self, connection: Connection) -> None:
        """Migrations of several processes that start at once run one after the other."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")

    def lost_a_race(self, error: DBAPIError) -> bool:
        """Whether someone else took a key or a row first."""
        return getattr(error.orig, "sqlstate", None) in _LOST_RACES

    def is_full(self, error: DBAPIError) -> bool:
        """Whether the server's disk has no room left."""
        return getattr(error.orig, "sqlstate", None) == _DISK_FULL

    async def listen(self, engine: AsyncEngine, woken: Callable[[], None]) -> None:
        """Calls `woken` whenever any process has committed events, for ever."""
        while True:
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                async with _told_of(engine, woken) as ended:
                    woken()  # for what was committed while nobody listened
                    await ended.wait()
            logger.warning("The write store's notifications have ended; they are asked for again")
            await asyncio.sleep(1)


@asynccontextmanager
async def _told_of(engine: AsyncEngine, woken: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
    """Listens until the block ends; the event is set when the connection does."""
    ended = asyncio.Event()

    def told(*_: Any) -> None:
        woken()

    def closed(_: Any) -> None:
        ended.set()

    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        driver.add_termination_listener(closed)
        await driver.add_listener(CHANNEL, told)
        try:
            yield ended
        finally:
            # A connection that listens is of no use to others.
            driver.remove_termination_listener(closed)
            await connection.invalidate()
