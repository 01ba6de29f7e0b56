"""The outcomes of a command: a receipt, or the reasons for which it was refused."""

from collections.abc import Sequence
from dataclasses import field
from types import ModuleType
from typing import Annotated, ClassVar, NamedTuple
from uuid import UUID

from app.cqrs.messages import Event, Message, defined_in

Path = tuple[str | int, ...]
"""The path to a value in a command's input: field names and list indexes."""


class CommandError(Message):
    """A reason for refusing a command, on which the client can act: data, not an exception."""

    code: ClassVar[str]
    message: Annotated[str, "An explanation of the reason, for people."]
    path: Annotated[Path, "The path to the offending value in the command."] = ()


class InvalidInput(CommandError):
    """A value of the input breaks a rule."""

    code = "INVALID_INPUT"


class NotFound(CommandError):
    """An object to which the command refers does not exist."""

    code = "NOT_FOUND"
    kind: Annotated[str, "The kind of aggregate that does not exist."]
    id: Annotated[UUID, "The id that belongs to no object."]


class NotAllowed(CommandError):
    """The sender may not send this command, or not with this value."""

    code = "NOT_ALLOWED"


class VersionConflict(CommandError):
    """The current version is not the `expectedVersion` of the command."""

    code = "VERSION_CONFLICT"
    current_version: Annotated[int, "The current version of the object."]


class CommandIdReused(CommandError):
    """The same sender used the `commandId` before, with a different input, and not too long ago to know."""

    code = "COMMAND_ID_REUSED"
    command_id: Annotated[UUID, "The `commandId` that was used before."]


class RolledBack(CommandError):
    """The command could be carried out, but another command of its atomic list was refused."""

    code = "ROLLED_BACK"


def refusals_in(module: ModuleType) -> Sequence[type[CommandError]]:
    """Return the types of refusals that a module defines, in order."""
    return [each for each in defined_in(module, CommandError) if each is not CommandError]


def not_found(kind: str, id: UUID, *path: str | int) -> NotFound:
    """Return the refusal that no aggregate of this kind has the id, which is at `path` in the command."""
    return NotFound(message=f"There is no {kind} with this id.", kind=kind, id=id, path=path)


class EventPlace(Message):
    """An event and its place in the log."""

    event_id: UUID
    position: int


class Decided(Message):
    """The outcome of a command; reads that show its newest event do not contradict it."""

    decided_after: EventPlace | None = field(default=None, compare=False)
    """The newest event when a command was refused, or changed nothing; `None` if nothing was looked up."""

    @property
    def newest(self) -> EventPlace | None:
        """The newest event on which the outcome may depend, or which it has made; `None` if there is none."""
        return self.decided_after

    @property
    def covered(self) -> int:
        """The position of the newest event, or 0."""
        return self.newest.position if self.newest else 0


class Refused(Decided):
    """The outcome of a refused command, with every reason for the refusal."""

    errors: tuple[CommandError, ...]


def refused(*errors: CommandError) -> Refused:
    """Return the outcome of a command that is refused for these reasons."""
    return Refused(errors=errors)


Decision = tuple[Event, ...] | Refused
"""The decision of a pure model about a command: the events to record, or the refusal."""


class EventMark(EventPlace):
    """A reference to a recorded event, as a receipt contains it."""

    type: str
    stream: str


class CommandKey(NamedTuple):
    """The identity of a command: its id belongs to its actor, and two actors may use the same one."""

    actor: str
    command_id: UUID


class Receipt(Decided):
    """The receipt of an accepted command; every repetition of its id returns the same."""

    command_id: UUID
    events: tuple[EventMark, ...]

    @property
    def newest(self) -> EventPlace | None:
        """The command's last event, or what was the newest one if it changed nothing."""
        if not self.events:
            return self.decided_after
        return EventPlace(event_id=self.events[-1].event_id, position=self.events[-1].position)

    @property
    def position(self) -> int | None:
        """Return the position of the command's last event, or `None` if it changed nothing."""
        return self.events[-1].position if self.events else None
