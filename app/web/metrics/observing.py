"""The part of the metrics that is asked for at a scrape; all others are numbers that the process keeps."""

import asyncio
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.cqrs.circle import Circle
from app.cqrs.impersonal import outline

PATIENCE = 3.0
"""Seconds that the write store may take to answer; Prometheus gives up a scrape after ten by default."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The end of the log in the write store, and the room for it."""

    head: int | None
    """The position of the newest event in the store; `None` if the store does not answer."""
    unpublished: float
    """The age in seconds of the oldest event that the relay has not published; 0 if there is none."""
    free: int
    """Bytes that are free where the data folder is."""
    free_ratio: float
    """The part of all bytes there that is free."""


async def observe(circle: Circle, data_dir: Path) -> Observed:
    """Ask the write store and the file system; a store that does not answer is part of what is observed."""
    disk = shutil.disk_usage(data_dir)
    head, unpublished = None, 0.0
    try:
        async with asyncio.timeout(PATIENCE):
            published = circle.relay.published
            head = await circle.log.head()
            if head > published and (next_one := await circle.log.read(after=published, limit=1)):
                unpublished = (datetime.now(UTC) - next_one[0].occurred_at).total_seconds()
    except Exception as error:
        logger.warning("The write store could not be observed: error=%s", outline(error))
    return Observed(
        head=head, unpublished=max(0.0, unpublished), free=disk.free, free_ratio=disk.free / disk.total
    )
