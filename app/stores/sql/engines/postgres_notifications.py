"""PostgreSQL's notifications, by which a process learns of the commits of all processes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app.cqrs.impersonal import outline
from app.cqrs.log.events import Commits

CHANNEL = "diptych_events"
"""The channel of notifications: one for each commit with events, and the id of each command without."""

PAUSE = 1.0
"""Seconds between the loss of the listening connection and the next attempt to listen."""

logger = logging.getLogger(__name__)


async def listen(engine: AsyncEngine, commits: Commits) -> None:
    """Notify `commits` of each commit of any process, until cancelled; reconnect after every failure."""
    while True:
        try:
            async with _listening(engine, commits) as disconnected:
                commits.missed()  # Others may have committed while this process did not listen.
                await disconnected.wait()
            logger.warning("The write store's notifications have ended: retry_seconds=%g", PAUSE)
        except Exception as reason:
            # Without notifications this process only sees other processes' commits later, so the service
            # goes on. The driver raises errors of its own here, such as on a standby before its promotion.
            logger.warning(
                "The write store refuses notifications: retry_seconds=%g error=%s", PAUSE, outline(reason)
            )
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def _listening(engine: AsyncEngine, commits: Commits) -> AsyncIterator[asyncio.Event]:
    """Listen until the block ends; yield an event that is set when the connection ends."""
    disconnected = asyncio.Event()

    def notified(_connection: Any, _process: Any, _channel: Any, command_id: str) -> None:
        try:
            commits.committed(UUID(command_id) if command_id else None)
        except ValueError:  # Every user of the database may notify this channel, with any payload.
            commits.committed(None)

    def closed(_: Any) -> None:
        disconnected.set()

    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        driver.add_termination_listener(closed)
        await driver.add_listener(CHANNEL, notified)
        try:
            yield disconnected
        finally:
            # Back in the pool, the connection would go on listening while it serves reads.
            driver.remove_termination_listener(closed)
            await connection.invalidate()
