"""Commands on their way to their handlers, and their outcomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from app.cqrs.commands.fingerprints import fingerprint, former_fingerprint
from app.cqrs.commands.outcomes import CommandIdReused, Receipt, Refused, refused
from app.cqrs.commands.write_store import Cause
from app.cqrs.measured import logged
from app.cqrs.messages import Command, composed
from app.cqrs.viewers import Viewer

FORGOTTEN = ""
"""The fingerprint of an input that has expired, or had data of a person who was forgotten."""

Outcome = Receipt | Refused
"""The outcome of a command that was carried out."""


@dataclass(frozen=True)
class Asked:
    """A command on its way to its handler."""

    command: Command
    cause: Cause
    viewer: Viewer
    fingerprint: str
    forms: tuple[Command, ...]
    """The command as it was given, and with its text in one form: earlier versions stored either."""
    keyed: Callable[[str], str] = str
    """A function that makes a fingerprint useless for those who lack the key."""

    @classmethod
    def of(cls, given: Command, cause: Cause, viewer: Viewer, keyed: Callable[[str], str] = str) -> Self:
        """Return the command with its text in one form, because a repetition may come in another."""
        command = composed(given)
        return cls(command, cause, viewer, keyed(fingerprint(command)), (given, command), keyed)

    def at(self, moment: datetime) -> Self:
        """Return the same command for an attempt at this moment."""
        return replace(self, cause=replace(self.cause, at=moment))

    def name_in_log(self) -> None:
        """Have the log lines of the current task name the command."""
        name, cause = type(self.command).__name__, self.cause
        sight = self.viewer.scope.sight
        logged.carry_out(name, cause.command_id, cause.correlation_id, sight, cause.trace)

    def is_repeated_by(self, stored: str) -> bool:
        """Return whether a command with the same id and this fingerprint is the same command.

        It is taken for the same if the fingerprint is gone: it has expired, or a person in it was forgotten.
        """
        if stored in (self.fingerprint, FORGOTTEN):
            return True
        former = [fingerprint(self.command), *map(former_fingerprint, self.forms)]
        return stored in former or stored in map(self.keyed, former)

    def answered_before(self, stored: str, receipt: Receipt) -> Outcome:
        """Return the receipt of a command with the same id, or the refusal if that was another command."""
        return receipt if self.is_repeated_by(stored) else self.id_reused()

    def id_reused(self) -> Refused:
        """Return the refusal of a command whose id belongs to another one."""
        message = "This commandId was used for a different input. Use a new one for a new command."
        return refused(
            CommandIdReused(message=message, command_id=self.cause.command_id, path=("command_id",))
        )


@dataclass(frozen=True, eq=False)
class Listed:
    """Commands of one sender that are carried out in their order, in one transaction of their own."""

    commands: Sequence[Asked]
    atomic: bool = False
    """True if all of them take effect or none."""
    doomed: bool = False
    """True if none may take effect, and all that stands against them is wanted."""
