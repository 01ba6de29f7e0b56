"""What comes of a command: a receipt, or the reasons why it was refused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import UNSET

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


def invalid(path: Path | str, parse: Callable[..., Any], *values: Any) -> tuple[InvalidInput, ...]:
    """The complaint of a parser about `values`, if it has one."""
    try:
        parse(*values)
    except ValueError as complaint:
        place = (path,) if isinstance(path, str) else path
        return (InvalidInput(message=f"{_spoken(place)} {complaint}.", path=place),)
    return ()


Parsers = Mapping[str, Callable[[Any], Any]]
"""How the fields of an input are checked and tidied, by their names."""


def invalid_fields(input: object, parsers: Parsers, path: Path = ()) -> tuple[InvalidInput, ...]:
    """The complaints of `parsers` about those fields of `input` that are set; `path` leads to `input`."""
    return tuple(
        problem
        for field, parse, value in _fields_set(input, parsers)
        for problem in invalid((*path, field), parse, value)
    )


def parsed_fields(input: object, parsers: Parsers) -> dict[str, Any]:
    """Those fields of `input` that are set, tidied; raises `ValueError` where one is invalid."""
    return {field: parse(value) for field, parse, value in _fields_set(input, parsers)}


def _fields_set(input: object, parsers: Parsers) -> Iterator[tuple[str, Callable[[Any], Any], Any]]:
    for field, parse in parsers.items():
        value = getattr(input, field)
        if value is not UNSET:
            yield field, parse, value


def _spoken(path: Path) -> str:
    field = next((str(step) for step in reversed(path) if isinstance(step, str)), "The input")
    return field.replace("_", " ").capitalize()
