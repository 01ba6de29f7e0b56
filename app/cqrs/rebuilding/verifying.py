"""The comparison of a rebuilt generation with the one that serves, while both go on."""

import asyncio
import logging
from collections.abc import Callable

from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.differences import Comparison, Report
from app.cqrs.rebuilding.records import GenerationRecords
from app.cqrs.rebuilding.switching import meet

PATIENCE = 5.0
"""Seconds to wait until both generations are at the same position."""

logger = logging.getLogger(__name__)


class Verifying:
    """One comparison at a time, which runs beside everything else."""

    def __init__(self, records: GenerationRecords, ended: Callable[[], None]) -> None:
        """Call `ended` at the end of each comparison, however it ends."""
        self._records = records
        self._ended = ended
        self._task: asyncio.Task[Report] | None = None
        self._comparison: Comparison | None = None

    @property
    def is_under_way(self) -> bool:
        """True if a comparison has begun, and its result was not taken."""
        return self._task is not None

    def start(self, serving: Projector, built: Projector) -> None:
        """Begin to compare two generations."""
        self._task = asyncio.create_task(
            self._compare(serving, built), name=f"comparison of {built.model.key}"
        )
        self._task.add_done_callback(lambda _: self._ended())

    def result(self) -> Report | None:
        """Take the report of a comparison that has ended, or raise its error; `None` if there is none."""
        if self._task is None or not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    def stop(self) -> None:
        """End a comparison that is under way, and forget it."""
        if self._comparison:
            self._comparison.close()
        if self._task:
            self._task.cancel()
            self._task = None

    async def _compare(self, serving: Projector, built: Projector) -> Report:
        still = await meet(serving, built, PATIENCE)
        try:
            self._comparison = await self._records.comparison(serving.model, built.model)
        finally:
            await still.aclose()
        try:
            return await self._comparison.report()
        finally:
            self._comparison.close()
            self._comparison = None
