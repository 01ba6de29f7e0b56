"""Operations of operators on read models that another process projects, in the form in which they travel."""

from typing import Protocol

import msgspec

from app.cqrs.commands.outcomes import CommandError, InvalidInput
from app.cqrs.freshness.progress import Freshness
from app.cqrs.impersonal import Impersonal
from app.cqrs.projecting.projections import ReadModelFailed
from app.cqrs.projecting.skipping import NotStoppedThere
from app.cqrs.rebuilding.parts import PartProgress
from app.cqrs.rebuilding.rebuilds import RebuildRefused

PATIENCE = 12.0
"""Seconds for an operation: longer than any of them waits for its outcome."""


class NotReached(Impersonal):
    """Nobody has answered: it may be that no process projects the read model at this moment."""


class _Operation(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    read_model: str


class Retry(_Operation, frozen=True):
    """Retry a read model that has failed."""

    patience: float


class Skip(_Operation, frozen=True):
    """Skip the event at which a read model has failed."""

    position: int
    reason: str
    by: str
    patience: float


class Begin(_Operation, frozen=True):
    """Begin a rebuild."""

    keep: float
    """Seconds."""
    verify: bool
    accept: bool


class Remake(_Operation, frozen=True):
    """Make some documents anew."""

    patience: float
    document: str | None = None
    stream: str | None = None
    since: int | None = None


class Abort(_Operation, frozen=True):
    """End a rebuild before its switch."""


class RollBack(_Operation, frozen=True):
    """Serve the former documents again."""


Operation = Retry | Skip | Begin | Remake | Abort | RollBack


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """The progress or the outcome of an operation that makes some documents anew."""

    is_done: bool
    position: int
    """The position up to which the log was read; at the end, that of the documents."""
    head: int
    """The position up to which it is read."""
    documents: int = 0
    differing: int = 0
    differences: tuple[str, ...] = ()
    """The first differences, without values."""

    @classmethod
    def of(cls, progress: PartProgress) -> "Remade":
        """Return the progress in the form in which it travels."""
        replaced = progress.replaced
        if replaced is None:
            return cls(is_done=False, position=progress.position, head=progress.head)
        return cls(
            is_done=True,
            position=replaced.position,
            head=replaced.position,
            documents=replaced.report.compared,
            differing=replaced.report.differing,
            differences=tuple(map(str, replaced.report.first)),
        )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an operation."""

    code: str | None = None
    """The code of the refusal; `None` if there is none."""
    message: str = ""
    path: tuple[str | int, ...] = ()
    freshness: Freshness | None = None
    """The freshness after a retry."""
    remade: Remade | None = None
    """The progress of documents that are made anew."""

    @classmethod
    def of(cls, refusal: CommandError | None, freshness: Freshness | None = None) -> "Outcome":
        """Return the outcome with this refusal."""
        if refusal is None:
            return cls(freshness=freshness)
        return cls(code=refusal.code, message=refusal.message, path=refusal.path, freshness=freshness)

    @property
    def refusal(self) -> CommandError | None:
        """The refusal, if it is one."""
        if self.code is None:
            return None
        known = {each.code: each for each in (InvalidInput, NotStoppedThere, ReadModelFailed, RebuildRefused)}
        return known.get(self.code, RebuildRefused)(message=self.message, path=self.path)


class Operators(Protocol):
    """The way to the process that projects a read model."""

    async def ask(self, read_model: str, request: bytes, patience: float) -> bytes:
        """Return the answer; raise `NotReached` if nobody answers within `patience` seconds."""


class Elsewhere:
    """Has operations carried out by whichever process projects the read model."""

    def __init__(self, operators: Operators) -> None:
        self._operators = operators

    async def __call__(self, operation: Operation) -> Outcome:
        """Return the outcome; a refusal if no process could be reached."""
        try:
            request = msgspec.msgpack.encode(operation)
            return msgspec.msgpack.decode(
                await self._operators.ask(operation.read_model, request, PATIENCE), type=Outcome
            )
        except NotReached as reason:
            message = (
                f"The process that projects {operation.read_model} was not reached: {reason}. Try again."
            )
            return Outcome.of(RebuildRefused(message=message, path=("read_model",)))


def requested(request: bytes) -> Operation:
    """Return the operation in a request; raise `msgspec.MsgspecError`."""
    operation: Operation = msgspec.msgpack.decode(request, type=Operation)
    return operation
