"""The command or the event that is being worked on, for the log lines that are written meanwhile."""

from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

from app.cqrs.measured.sampling import span_of, trace_of
from app.cqrs.measured.spans import current_place

_current: ContextVar[Mapping[str, object] | None] = ContextVar("fields of log lines", default=None)

# The actor is no field: it may be the name or the address of a person.


def carry_out(command: str, id: UUID, correlation_id: UUID, sight: str, trace: str | None = None) -> None:
    """Have the log lines of the current task name a command, from now on until the next one."""
    _current.set(
        {
            "command": command,
            "command_id": id,
            "correlation_id": correlation_id,
            "sight": sight,
            "trace": trace,
        }
    )


def apply(command_id: UUID, correlation_id: UUID, trace: str | None) -> None:
    """Have the log lines of the current task name the origin of an event, from now on."""
    _current.set({"command_id": command_id, "correlation_id": correlation_id, "trace": trace})


def done() -> None:
    """Have the log lines of the current task name no command."""
    _current.set(None)


def fields() -> Mapping[str, str]:
    """Return the fields that log lines have now: the command or the event's origin, and the trace, if any."""
    found = dict(_current.get() or {})
    place = found.pop("trace", None) or current_place()
    shown = {name: str(value) for name, value in found.items()}
    if place:
        shown |= {"trace_id": trace_of(str(place)), "span_id": span_of(str(place))}
    return shown
