"""The command or the event that is being worked on, for the log lines that are written meanwhile."""

from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

from app.cqrs.measured.sampling import span_of, trace_of
from app.cqrs.measured.spans import current_place

_Named = tuple[tuple[str, ...], tuple[object, ...], str | None]
"""The names of fields, their values, and the place in a trace; a tuple, because each command makes one."""

_current: ContextVar[_Named | None] = ContextVar("what log lines name", default=None)

# The actor is no field: it may be the name or the address of a person.
_OF_COMMANDS = ("command", "command_id", "correlation_id", "sight")
_OF_EVENTS = ("command_id", "correlation_id")


def carry_out(command: str, id: UUID, correlation_id: UUID, sight: str, trace: str | None = None) -> None:
    """Have the log lines of the current task name a command, from now on until the next one."""
    _current.set((_OF_COMMANDS, (command, id, correlation_id, sight), trace))


def apply(command_id: UUID, correlation_id: UUID, trace: str | None) -> None:
    """Have the log lines of the current task name the origin of an event, from now on."""
    _current.set((_OF_EVENTS, (command_id, correlation_id), trace))


def done() -> None:
    """Have the log lines of the current task name nothing."""
    _current.set(None)


def fields() -> Mapping[str, str]:
    """Return the fields that log lines have now: the command or the event's origin, and the trace, if any."""
    names, values, trace = _current.get() or ((), (), None)
    shown = dict(zip(names, map(str, values), strict=True))
    if place := trace or current_place():
        shown |= {"trace_id": trace_of(place), "span_id": span_of(place)}
    return shown
