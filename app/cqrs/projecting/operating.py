"""Decisions of operators about events at which read models have failed."""

from collections.abc import Sequence

from app.cqrs.commands.outcomes import CommandError, InvalidInput
from app.cqrs.projecting.projections import Projections
from app.cqrs.projecting.skipping import LONGEST_REASON, EventSkipped, NotStoppedThere, Skip, SkipStore


class Skipping:
    """The decisions of all processes on one store."""

    def __init__(self, store: SkipStore, projections: Projections) -> None:
        self._store = store
        self._projections = projections

    async def decisions(self) -> Sequence[Skip]:
        """Return all decisions, in their order; raise `WriteStoreUnavailable`."""
        return await self._store.skips()

    async def skip(
        self, read_model: str, position: int, *, reason: str, by: str, patience: float
    ) -> CommandError | None:
        """Record that a read model skips the event at which it has failed, and have it go on.

        Wait at most `patience` seconds for that. Return the refusal, or `None`. A decision that was recorded
        before is not recorded again. Raises `WriteStoreUnavailable`.
        """
        reason = reason.strip()
        if not 0 < len(reason) <= LONGEST_REASON:
            message = f"A reason has 1 to {LONGEST_REASON} characters, and this has {len(reason)}."
            return InvalidInput(message=message, path=("reason",))
        stopped = self._projections.stopped_at(read_model)
        if stopped is None or stopped.position != position:
            if await self._is_decided(read_model, position):
                return None
            where = f"has failed at position {stopped.position}" if stopped else "has not failed at an event"
            message = f"{read_model} {where}, and not at {position}. Skip only the event at which it stands."
            return NotStoppedThere(message=message, path=("position",))
        decision = EventSkipped(
            read_model=read_model,
            position=position,
            event_id=stopped.event_id,
            event_type=stopped.type,
            reason=reason,
        )
        await self._store.skip(decision, by=by)
        await self._projections.retry(read_model, patience)
        return None

    async def _is_decided(self, read_model: str, position: int) -> bool:
        decided = [(each.event.read_model, each.event.position) for each in await self._store.skips()]
        return (read_model, position) in decided
