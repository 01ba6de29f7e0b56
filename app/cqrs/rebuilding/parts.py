"""The partial rebuilds of one read model: one at a time, for operators who may ask again for the outcome."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from app.cqrs.impersonal import outline
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.partial import PartialRebuild, Replaced
from app.cqrs.rebuilding.records import NotPossible
from app.cqrs.rebuilding.selection import Selection
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable

ASKED_WITHIN = 60.0
"""Seconds for which an outcome is kept for whoever asks again; later the same request begins anew."""

Partly = Callable[[Projector, Selection], PartialRebuild]
"""Makes the partial rebuild of a projector's documents."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PartProgress:
    """The progress of a partial rebuild."""

    position: int
    """The position up to which the log was read."""
    head: int
    """The position of the documents, up to which it is read."""
    replaced: Replaced | None
    """The outcome; `None` while it is under way."""


class PartialRebuilds:
    """The partial rebuild that is under way, or was lately."""

    def __init__(self, partly: Partly) -> None:
        self._partly = partly
        self._selection: Selection | None = None
        self._rebuild: PartialRebuild | None = None
        self._task: asyncio.Task[Replaced | Exception] | None = None
        self._ended_at = 0.0

    async def ask(
        self,
        group: asyncio.TaskGroup,
        serving: Callable[[], Projector],
        selection: Selection,
        patience: float,
    ) -> PartProgress:
        """Make documents of the projector that serves anew, and wait for that at most `patience` seconds.

        Repeat the call to wait on. Raises `NotPossible`, also if another selection is under way, and the
        errors of the stores.
        """
        task = self._task
        if task and not task.done() and selection != self._selection:
            raise NotPossible(
                f"The documents of events {self._selection} are being made anew. Try again after that."
            )
        now = asyncio.get_running_loop().time()
        if task is None or (task.done() and (selection != self._selection or now > self._ended_at)):
            self._selection, self._rebuild = selection, self._partly(serving(), selection)
            task = self._task = group.create_task(self._outcome(self._rebuild, serving))
        await asyncio.wait([task], timeout=patience)
        if task.cancelled():
            raise NotPossible("The process that projects the read model has stopped. Try again.")
        rebuild, outcome = self._rebuild, task.result() if task.done() else None
        if outcome is not None and self._task is task:
            self._task = None  # It is told: who asks once more wants it done once more.
        if isinstance(outcome, Exception):
            raise outcome
        position = rebuild.position if rebuild else 0
        return PartProgress(position=position, head=serving().progress.position, replaced=outcome)

    async def _outcome(
        self, rebuild: PartialRebuild, serving: Callable[[], Projector]
    ) -> Replaced | Exception:
        """Return the outcome, never raise it: the generations of the read model go on."""
        try:
            return await rebuild.run(serves=lambda projector: projector is serving())
        except (NotPossible, ReadStoreUnavailable, WriteStoreUnavailable) as reason:
            return reason
        except Exception as error:
            logger.warning("Documents were not made anew: error=%s", outline(error))
            return NotPossible(f"The documents can't be made anew ({outline(error)}). Look at the log.")
        finally:
            self._ended_at = asyncio.get_running_loop().time() + ASKED_WITHIN
