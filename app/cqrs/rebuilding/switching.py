"""The switch from one generation to another, after which no reader and no follower misses a change."""

import asyncio
from contextlib import AsyncExitStack, suppress
from time import perf_counter
from typing import Protocol

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import ReadModelBehind, ReadModelState
from app.cqrs.impersonal import Impersonal
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.records import GenerationRecord, GenerationRecords

MOST_MEETINGS = 1_000
"""Attempts to find both generations at the same position while events arrive."""


class NotReady(Impersonal):
    """The other documents are not where those that serve are; the message says where they are."""


class Readers(Protocol):
    """The reads of the process, which go to one generation of each read model."""

    def serve(self, model: ReadModel) -> None:
        """Read the documents of this generation from now on."""


class Switching:
    """Switches the readers of a read model to another generation, while both stand still for a moment."""

    def __init__(self, readers: Readers, records: GenerationRecords) -> None:
        self._readers = readers
        self._records = records
        self.seconds = 0.0
        """The duration of the last switch, during which no event was applied."""

    async def switch(
        self, former: Projector, other: Projector, record: GenerationRecord | None, patience: float
    ) -> GenerationRecord | None:
        """Serve the documents of `other` from now on; store `record` in the same transaction, and return it.

        Nothing that was shown is missing: the other documents are at the same position, or later. Raises
        `NotReady` if they do not get there within `patience` seconds.
        """
        with suppress(TimeoutError):  # A projector that was just started compares its checkpoint first.
            async with asyncio.timeout(patience):
                await other.progress.until_live()
        await _reaches(other, former.progress.position, patience)
        async with AsyncExitStack() as still:
            await still.enter_async_context(former.between_batches)
            began = perf_counter()
            await _reaches(other, former.progress.position, patience)
            await still.enter_async_context(other.between_batches)
            _refuse_if_behind(other, former.progress.position)
            saved = None
            if record:
                saved = await self._records.switch(record, former.model.generation, other.move)
            # Nothing may run between the next two lines: reads, tokens and notices change at once.
            self._readers.serve(other.model)
            other.exchange(former)
            self.seconds = perf_counter() - began
            return saved


async def meet(one: Projector, other: Projector, patience: float) -> AsyncExitStack:
    """Return once both generations stand still at the same position; they go on when the result is closed.

    Raises `NotReady`.
    """
    for _ in range(MOST_MEETINGS):
        async with AsyncExitStack() as still:
            await still.enter_async_context(one.between_batches)
            await _reaches(other, one.progress.position, patience)
            await still.enter_async_context(other.between_batches)
            if other.progress.position == one.progress.position:
                _refuse_if_behind(other, one.progress.position)
                return still.pop_all()
        one, other = other, one  # One is ahead: the other one may catch up with it.
    raise NotReady("both generations are never at the same position")


async def _reaches(projector: Projector, position: int, patience: float) -> None:
    try:
        await projector.progress.wait_for(position, patience)
    except ReadModelBehind as reason:
        raise NotReady(f"they are at position {projector.progress.position}, not {position} yet") from reason
    _refuse_if_behind(projector, position)


def _refuse_if_behind(projector: Projector, position: int) -> None:
    progress = projector.progress
    if progress.state is not ReadModelState.LIVE or not progress.holds(position):
        state = progress.state.value
        raise NotReady(f"they are {state} at position {progress.position}, and {position} is needed")
