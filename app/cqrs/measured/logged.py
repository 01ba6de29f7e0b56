"""The command that is being carried out, for the log lines that are written meanwhile."""

from collections.abc import Mapping
from contextvars import ContextVar
from uuid import UUID

_current: ContextVar[tuple[str, UUID, UUID, str] | None] = ContextVar("command of log lines", default=None)

NAMES = ("command", "command_id", "correlation_id", "sight")
"""The names of the fields. The actor is none of them: it may be the name or the address of a person."""


def carry_out(command: str, id: UUID, correlation_id: UUID, sight: str) -> None:
    """Have the log lines of the current task name a command, from now on until the next one."""
    _current.set((command, id, correlation_id, sight))


def done() -> None:
    """Have the log lines of the current task name no command."""
    _current.set(None)


def fields() -> Mapping[str, str]:
    """Return the fields that log lines have now; none if no command is carried out."""
    current = _current.get()
    return dict(zip(NAMES, map(str, current), strict=True)) if current else {}
