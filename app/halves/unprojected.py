"""Documents that this process reads and that no process projects, which may be a matter of settings."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from time import monotonic

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.projecting.leases import Leases
from app.cqrs.unavailable import ReadStoreUnavailable

LOOKED_EVERY = 1.0
"""Seconds between two looks at the leases, while a read model is catching up."""

MISSED_AFTER = 5.0
"""Seconds after which nobody is expected to take a lease any more; another projector takes over in three."""

logger = logging.getLogger(__name__)


class Unprojected:
    """The read models that have been catching up for a while, and whose lease nobody holds.

    Their documents are those of this version and of the settings that determine them, such as `TIME_ZONE`.
    """

    def __init__(self, models: Sequence[ReadModel], progress: Mapping[str, Progress], leases: Leases) -> None:
        self._models = {model.generation.numbered(1).key: model.name for model in models}
        self._progress = progress
        self._leases = leases
        self._free_since: dict[str, float] = {}
        self._named: Mapping[str, str] = {}

    def named(self) -> Mapping[str, str]:
        """Return the key of the documents of each of these read models, by its name."""
        return self._named

    async def run(self) -> None:
        """Look at the leases, and log what nobody projects, until cancelled."""
        while True:
            free, now = await self._free(), monotonic()
            self._free_since = {each: self._free_since.get(each, now) for each in free}
            missed = [each for each, since in self._free_since.items() if now >= since + MISSED_AFTER]
            for each in missed:
                if self._models[each] not in self._named:
                    logger.warning(
                        "No process projects documents that this process reads. Start a projector of the "
                        "same version, with the same TIME_ZONE: read_model=%s generation=%s",
                        self._models[each],
                        each,
                    )
            self._named = {self._models[each]: each for each in missed}
            await asyncio.sleep(LOOKED_EVERY)

    async def _free(self) -> Collection[str]:
        behind = [
            lease
            for lease, name in self._models.items()
            if self._progress[name].state is ReadModelState.CATCHING_UP
        ]
        try:
            return await self._leases.free(behind) if behind else ()
        except ReadStoreUnavailable:
            return ()
