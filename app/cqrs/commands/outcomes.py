"""What comes of a command: a receipt, or the reasons why it was refused."""

from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, ClassVar
from uuid import UUID

from app.cqrs.messages import Event, Message, defined_in

Path = tuple[str | int, ...]
"""Where in the command's input the trouble is: field names and list indexes."""


class CommandError(Message):
    """A reason for refusing a command that the client can act on: data, not an exception."""

    code: ClassVar[str]
    message: Annotated[str, "The reason in a sentence, for people."]
    path: Annotated[Path, "Where in the command the trouble is."] = ()


class InvalidInput(CommandError):
    """A value breaks a rule."""

    code = "INVALID_INPUT"


class NotFound(CommandError):
    """What the command names does not exist."""

    code = "NOT_FOUND"
    kind: Annotated[str, "The kind of aggregate that does not exist."]
    id: Annotated[UUID, "The id that leads nowhere."]


class VersionConflict(CommandError):
    """The command expected another version."""

    code = "VERSION_CONFLICT"
    current_version: Annotated[int, "The version that it has."]


class CommandIdReused(CommandError):
    """The `commandId` was already used for a different input."""

    code = "COMMAND_ID_REUSED"
    command_id: Annotated[UUID, "The id that was used before."]


def refusals_in(module: ModuleType) -> Sequence[type[CommandError]]:
    """Return the types of refusals that a module defines, in order."""
    return [each for each in defined_in(module, CommandError) if each is not CommandError]


def not_found(kind: str, id: UUID, *path: str | int) -> NotFound:
    """There is no `kind` with this id, which stands at `path` in the command."""
    return NotFound(message=f"There is no {kind} with this id.", kind=kind, id=id, path=path)


class Refused(Message):
    """A command that changed nothing, and every reason that was found."""

    errors: tuple[CommandError, ...]


def refused(*errors: CommandError) -> Refused:
    """Refused for these reasons."""
    return Refused(errors=errors)


Decision = tuple[Event, ...] | Refused
"""What a pure model answers to a command: the events that happen, or the refusal."""


class EventMark(Message):
    """One recorded event, as a receipt names it."""

    event_id: UUID
    type: str
    stream: str
    position: int


class Receipt(Message):
    """What an accepted command left behind; the same for every repetition of its id."""

    command_id: UUID
    events: tuple[EventMark, ...]

    @property
    def position(self) -> int | None:
        """The position of the command's last event; `None` when it changed nothing."""
        return self.events[-1].position if self.events else None
