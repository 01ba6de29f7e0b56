"""The operations of operators on read models, carried out by the process that projects them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.freshness.progress import Freshness, Progress
from app.cqrs.operating.operations import (
    Abort,
    Begin,
    Operation,
    Outcome,
    Remade,
    Remake,
    Retry,
    RollBack,
    Skip,
)
from app.cqrs.projecting.operating import Skipping
from app.cqrs.projecting.projections import Projections
from app.cqrs.rebuilding.parts import PartProgress
from app.cqrs.rebuilding.rebuilds import KEEP, RebuildRefused, Rebuilds
from app.cqrs.rebuilding.selection import Selection

Elsewhere = Callable[[Operation], Awaitable[Outcome]]
"""Has an operation carried out by the process that projects the read model."""


class OperatedReadModels:
    """All read models, whether this process projects them or another one."""

    def __init__(
        self,
        projections: Projections,
        skipping: Skipping,
        rebuilds: Rebuilds,
        progress: Callable[[str], Progress],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Return freshness as `progress` tells it; without `elsewhere`, this process projects them all."""
        self._projections = projections
        self._skipping = skipping
        self._rebuilds = rebuilds
        self._progress = progress
        self._elsewhere = elsewhere

    async def retry(self, read_model: str, patience: float) -> Freshness:
        """Retry a read model that has failed; see `Projections.retry`."""
        outcome = await self._carried_out(Retry(read_model=read_model, patience=patience))
        return outcome.freshness or self._progress(read_model).freshness()

    async def skip(
        self, read_model: str, position: int, *, reason: str, by: str, patience: float
    ) -> CommandError | None:
        """Have a read model skip the event at which it has failed; see `Skipping.skip`."""
        operation = Skip(read_model=read_model, position=position, reason=reason, by=by, patience=patience)
        return (await self._carried_out(operation)).refusal

    async def begin(
        self, read_model: str, *, keep: timedelta = KEEP, verify: bool = False, accept: bool = False
    ) -> CommandError | None:
        """Begin a rebuild, retry it, or accept differences; see `Rebuilds.begin`."""
        seconds = keep.total_seconds()
        operation = Begin(read_model=read_model, keep=seconds, verify=verify, accept=accept)
        return (await self._carried_out(operation)).refusal

    async def remake(self, read_model: str, selection: Selection, patience: float) -> Remade | CommandError:
        """Make some documents anew, and return how far that is; see `Rebuilds.rebuild_some`."""
        operation = Remake(
            read_model=read_model,
            patience=patience,
            document=selection.document,
            stream=selection.stream,
            since=selection.since,
        )
        outcome = await self._carried_out(operation)
        refused = RebuildRefused(message="The answer of another process is not known.", path=("read_model",))
        return outcome.refusal or outcome.remade or refused

    async def abort(self, read_model: str) -> CommandError | None:
        """End a rebuild before its switch; see `Rebuilds.abort`."""
        return (await self._carried_out(Abort(read_model=read_model))).refusal

    async def roll_back(self, read_model: str) -> CommandError | None:
        """Serve the former documents again; see `Rebuilds.roll_back`."""
        return (await self._carried_out(RollBack(read_model=read_model))).refusal

    async def carry_out(self, operation: Operation) -> Outcome:
        """Carry out an operation on a read model that this process projects."""
        name, refusal, freshness = operation.read_model, None, None
        match operation:
            case Retry():
                freshness = await self._projections.retry(name, operation.patience)
            case Skip():
                refusal = await self._skipping.skip(
                    name,
                    operation.position,
                    reason=operation.reason,
                    by=operation.by,
                    patience=operation.patience,
                )
            case Begin():
                refusal = await self._rebuilds.begin(
                    name,
                    keep=timedelta(seconds=operation.keep),
                    verify=operation.verify,
                    accept=operation.accept,
                )
            case Remake():
                selection = Selection(
                    document=operation.document, stream=operation.stream, since=operation.since
                )
                done = await self._rebuilds.rebuild_some(name, selection, operation.patience)
                if isinstance(done, PartProgress):
                    return Outcome(remade=Remade.of(done))
                refusal = done
            case Abort():
                refusal = await self._rebuilds.abort(name)
            case RollBack():
                refusal = await self._rebuilds.roll_back(name)
        return Outcome.of(refusal, freshness)

    async def _carried_out(self, operation: Operation) -> Outcome:
        if self._elsewhere is None or operation.read_model in self._rebuilds:
            return await self.carry_out(operation)
        return await self._elsewhere(operation)
