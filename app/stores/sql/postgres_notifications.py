"""PostgreSQL's notifications: how a process hears of what others commit."""

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
"""Where each commit is told of."""

PAUSE = 1.0
"""Seconds before notifications that have ended are asked for again."""

logger = logging.getLogger(__name__)


async def listen(engine: AsyncEngine, commits: Commits) -> None:
    """Tell `commits` whenever any process has committed, for ever."""
    while True:
        try:
            async with _told_of(engine, commits) as ended:
                commits.missed()  # for what was committed while nobody listened
                await ended.wait()
            logger.warning("The write store's notifications have ended; they are asked for again")
        except Exception as reason:
            # Without them, commits of other processes are seen later: no reason to stop the service.
            # The driver raises errors of its own here, such as on a standby that is not promoted yet.
            logger.warning(
                "The write store's notifications can't be had; they are asked for again: %s",
                outline(reason),
            )
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def _told_of(engine: AsyncEngine, commits: Commits) -> AsyncIterator[asyncio.Event]:
    """Listen until the block ends; the event is set when the connection does."""
    ended = asyncio.Event()

    def told(_connection: Any, _process: Any, _channel: Any, command_id: str) -> None:
        try:
            commits.told(UUID(command_id) if command_id else None)
        except ValueError:  # Anybody who may connect may notify, of whatever they like.
            commits.told(None)

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
