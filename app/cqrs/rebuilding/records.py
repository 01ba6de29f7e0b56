"""The record of a read model's generations, and the decisions about it, which are pure functions.

The store keeps the record, so that a rebuild goes on after a restart, and a switch has happened or has not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.impersonal import Impersonal
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.rebuilding.differences import Comparison


class NotPossible(Impersonal):
    """A rebuild can't be started, aborted or rolled back now; the message says why, and what to do."""

    def __init__(self, message: str, *, argument: str = "read_model") -> None:
        super().__init__(message)
        self.argument = argument
        """The argument of the operator to which the message refers."""


class RecordMoved(Impersonal):
    """Another process has changed the record of a read model's generations since it was read."""


class RebuildState(Enum):
    """The state of the newest rebuild of a read model."""

    BUILDING = "BUILDING"
    VERIFYING = "VERIFYING"
    DIFFERENT = "DIFFERENT"
    FAILED = "FAILED"
    SWITCHED = "SWITCHED"
    FINISHED = "FINISHED"
    ABORTED = "ABORTED"
    ROLLED_BACK = "ROLLED_BACK"


UNDER_WAY = (RebuildState.BUILDING, RebuildState.VERIFYING, RebuildState.DIFFERENT, RebuildState.FAILED)
"""The states in which a second generation is built or waits beside the one that serves."""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """One rebuild of a read model."""

    generation: Generation
    """The documents that it builds."""
    state: RebuildState
    started_at: datetime
    keep: timedelta
    """The time for which the former documents are kept up to date after the switch."""
    verify: bool
    """True if both generations are compared before the switch."""
    position: int = 0
    """The position of the new documents when it was last noted."""
    noted_at: datetime
    """The time at which the position was last seen to rise, or the state to change."""
    reason: str | None = None
    """The reason for a failure, or the differences that were found; `None` otherwise."""


@dataclass(frozen=True, kw_only=True)
class GenerationRecord:
    """The generations of a read model: the one that serves, and those beside it."""

    own: Generation
    """The first generation of this program's code."""
    serving: Generation
    """The documents that are read; those of another program may serve until the own ones are built."""
    kept: Generation | None = None
    """The generation that served before; it is kept up to date, so that a rollback is immediate."""
    kept_until: datetime | None = None
    rebuild: Rebuild | None = None
    """The newest rebuild, also after its end; `None` if there was none."""
    highest: int = 1
    """The highest number that a generation of this code has had."""
    revision: int = 0
    """The number of changes of the record; 0 if it was never stored."""

    @property
    def building(self) -> Generation | None:
        """The generation that is built beside the one that serves; `None` if no rebuild is under way."""
        rebuild = self.rebuild
        return rebuild.generation if rebuild and rebuild.state in UNDER_WAY else None

    @property
    def wanted(self) -> Sequence[Generation]:
        """The generations that are projected, the one that serves first."""
        found = (self.serving, self.kept, self.building)
        return [*dict.fromkeys(each for each in found if each)]

    def begun(self, now: datetime, *, keep: timedelta, verify: bool) -> "GenerationRecord":
        """Return the record after the beginning of a rebuild; raise `NotPossible` if one is under way."""
        if self.rebuild and self.building:
            raise NotPossible(
                f"A rebuild of {self.own.read_model} is under way since "
                f"{self.rebuild.started_at:%Y-%m-%d %H:%M:%S} UTC. Wait for its end, or abort it."
            )
        number = self.highest + 1
        rebuild = Rebuild(
            generation=self.own.numbered(number),
            state=RebuildState.BUILDING,
            started_at=now,
            keep=keep,
            verify=verify,
            noted_at=now,
        )
        return replace(self, rebuild=rebuild, highest=number)

    def noted(
        self, now: datetime, state: RebuildState, position: int, reason: str | None = None
    ) -> "GenerationRecord":
        """Return the record after progress of the rebuild."""
        return self._with(state=state, position=position, noted_at=now, reason=reason)

    def lent(self, now: datetime, former: Generation) -> "GenerationRecord":
        """Return the record of a program whose own documents are built while those of another one serve."""
        rebuild = Rebuild(
            generation=self.own,
            state=RebuildState.BUILDING,
            started_at=now,
            keep=timedelta(),
            verify=False,
            noted_at=now,
        )
        return replace(self, serving=former, rebuild=rebuild)

    def accepted(self, now: datetime) -> "GenerationRecord":
        """Return the record after an operator has accepted the differences; raise `NotPossible`."""
        if not self.rebuild or self.rebuild.state is not RebuildState.DIFFERENT:
            raise NotPossible(
                f"No differences of {self.own.read_model} are known that could be accepted. "
                "Rebuild it with a comparison first.",
                argument="accept_differences",
            )
        return self._with(state=RebuildState.BUILDING, verify=False, noted_at=now, reason=None)

    def switched(self, now: datetime, position: int) -> "GenerationRecord":
        """Return the record after the switch to the generation that was built, which is at `position`."""
        if not self.rebuild or not self.building:
            raise ValueError(f"no rebuild of {self.own.read_model} is under way")
        if not self.serving.is_of_same_code(self.own):  # Nobody could keep them up to date.
            finished = self.noted(now, RebuildState.FINISHED, position, self.rebuild.reason)
            return replace(finished, serving=self.building)
        return replace(
            self.noted(now, RebuildState.SWITCHED, position, self.rebuild.reason),
            serving=self.building,
            kept=self.serving,
            kept_until=now + self.rebuild.keep,
        )

    def aborted(self, now: datetime) -> "GenerationRecord":
        """Return the record after the end of the rebuild before a switch; raise `NotPossible`."""
        if not self.rebuild or not self.building:
            after = " The last one has switched: roll it back instead." if self.kept else ""
            raise NotPossible(f"No rebuild of {self.own.read_model} is under way.{after}")
        if not self.serving.is_of_same_code(self.own):
            raise NotPossible(
                f"The documents of {self.own.read_model} that serve were made by another version, and are "
                "not kept up to date. Wait until those of this version are built."
            )
        return self.noted(now, RebuildState.ABORTED, self.rebuild.position)

    def rolled_back(self, now: datetime) -> "GenerationRecord":
        """Return the record after the former documents serve again; raise `NotPossible`."""
        if self.kept is None:
            raise NotPossible(
                f"There are no former documents of {self.own.read_model} to return to. They are kept "
                "after a rebuild for the time that was chosen then; later only another rebuild helps."
            )
        record = self
        if self.rebuild and self.rebuild.state is RebuildState.SWITCHED:
            record = self.noted(now, RebuildState.ROLLED_BACK, self.rebuild.position)
        return replace(record, serving=self.kept, kept=None, kept_until=None)

    def without_kept(self, now: datetime) -> "GenerationRecord":
        """Return the record after the time to keep the former documents is over."""
        record = self
        if self.rebuild and self.rebuild.state is RebuildState.SWITCHED:
            record = self.noted(now, RebuildState.FINISHED, self.rebuild.position, self.rebuild.reason)
        return replace(record, kept=None, kept_until=None)

    def is_over(self, now: datetime) -> bool:
        """Return whether the time to keep the former documents is over."""
        return self.kept_until is not None and now >= self.kept_until

    def _with(self, **changed: object) -> "GenerationRecord":
        if self.rebuild is None:
            raise ValueError(f"{self.own.read_model} was never rebuilt")
        return replace(self, rebuild=replace(self.rebuild, **changed))  # type: ignore[arg-type]


class GenerationRecords(Protocol):
    """A store of the records; it raises `ReadStoreUnavailable` if it does not answer."""

    async def record(self, model: ReadModel) -> GenerationRecord:
        """Return the record of the generations of this model's code."""

    async def save(self, record: GenerationRecord) -> GenerationRecord:
        """Store a changed record, and return it with its new revision; raise `RecordMoved`."""

    async def switch(
        self, record: GenerationRecord, former: Generation, move: CheckpointMove
    ) -> GenerationRecord:
        """Store a record with another serving generation, and move the checkpoint of that, or do neither.

        Raises `RecordMoved`, and `CheckpointMoved` if the documents of `former` are further than the others,
        or if the checkpoint can't be moved.
        """

    async def comparison(self, one: ReadModel, other: ReadModel) -> Comparison:
        """Return a comparison of two generations as they are at this moment, both at the same position."""
