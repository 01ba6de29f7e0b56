"""Generations of a read model: separate documents for programs with different code."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.freshness.progress import Progress
from app.cqrs.projecting.leases import Leases
from app.cqrs.unavailable import ReadStoreUnavailable

PAUSE = 2.0
"""Seconds before a retry if the store does not answer."""

UNREAD_AFTER = 30.0
"""Seconds after which no read is under way any more in documents that have served; no call takes as long."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StoredGeneration:
    """A generation of documents as the store has it."""

    generation: Generation
    position: int
    """The position up to which they are complete."""
    types: Mapping[str, int]
    """The types of events that they depend on, each with its version."""
    serves: bool = False
    """True if this program reads these documents."""

    @property
    def key(self) -> str:
        """The name in the document store."""
        return self.generation.key


class Generations(Protocol):
    """A document store with several generations; it raises `ReadStoreUnavailable`."""

    async def generations(self, model: ReadModel) -> Sequence[StoredGeneration]:
        """Return all generations of a read model that have documents, including the program's own."""

    async def drop(self, generation: Generation) -> None:
        """Delete a generation's documents and checkpoint."""


class LeasedGenerations(Generations, Protocol):
    """A document store that several processes may project into."""

    @property
    def leases(self) -> Leases:
        """The leases of the processes, each with the key of a program's first generation."""


class InUse(ReadStoreUnavailable):
    """Documents that a running process projects, and that are not dropped; the message says what to do."""


async def succeed(model: ReadModel, progress: Progress, store: Generations, *, alone: bool) -> None:
    """Log older generations; if the program is `alone`, drop them as soon as its own generation is live.

    Otherwise another process may still serve them.
    """
    while True:
        try:
            older = [each for each in await store.generations(model) if _is_older(each, model)]
            if not older:
                return
            if not alone:
                _log("Once no older process runs, `projections prune` drops them", model, older)
                return
            _log("They are dropped once the new ones are built from the log", model, older)
            await progress.until_live()
            if any(each.serves for each in older):
                await asyncio.sleep(UNREAD_AFTER)
            for generation in older:
                await store.drop(generation.generation)
        except ReadStoreUnavailable:
            await asyncio.sleep(PAUSE)
        else:
            return


async def prune(
    models: Iterable[ReadModel], store: LeasedGenerations
) -> tuple[Sequence[StoredGeneration], Sequence[str]]:
    """Drop the older generations of each read model whose own generation this program has built.

    It is built if the documents that serve are as far as every one that is dropped.

    Returns the dropped generations, and the names of the read models that keep theirs. Raise `InUse`, and
    drop nothing, if a process holds the lease of a generation that would be dropped.
    """
    doomed, kept = list[StoredGeneration](), list[str]()
    for model in models:
        found = await store.generations(model)
        older = [each for each in found if _is_older(each, model)]
        own = max((each.position for each in found if each.serves and each not in older), default=0)
        if any(each.serves or each.position > own for each in older):
            kept.append(model.name)
        else:
            doomed += older
    await _refuse_if_in_use(doomed, store.leases)
    for generation in doomed:
        await store.drop(generation.generation)
    return doomed, kept


async def _refuse_if_in_use(doomed: Sequence[StoredGeneration], leases: Leases) -> None:
    names = sorted({each.generation.numbered(1).key for each in doomed})
    if held := {*names} - {*await leases.free(names)}:
        raise InUse(
            f"A running process projects {', '.join(sorted(held))}, which would be dropped. Nothing was "
            "dropped.\nStop the processes of other versions first. Processes of this version have other "
            "documents if their TIME_ZONE differs: give this command the same one."
        )


def _is_older(stored: StoredGeneration, model: ReadModel) -> bool:
    """Return whether another program has made the documents; a rebuild by this one has the same code."""
    return not stored.generation.is_of_same_code(model.generation)


def _log(next_step: str, model: ReadModel, older: Sequence[StoredGeneration]) -> None:
    latest = max(older, key=lambda each: each.position)
    logger.warning(
        "There are documents of older programs. %s: "
        "read_model=%s generation=%s older=%s position=%d difference=%s",
        next_step,
        model.name,
        model.key,
        ",".join(each.key for each in older),
        latest.position,
        _difference(model, latest),
    )


def _difference(model: ReadModel, other: StoredGeneration) -> str:
    changed = sorted(name for name, version in model.types.items() if other.types.get(name) != version)
    if changed and other.types:
        return f"other versions of {', '.join(changed)}"
    return "other functions or indexes"
