"""The write store as the command bus needs it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from app.cqrs.commands.aggregates import UnitOfWork
from app.cqrs.commands.outcomes import CommandKey, EventPlace, Receipt
from app.cqrs.impersonal import Impersonal
from app.cqrs.messages import Command


class Conflict(Impersonal):
    """Another transaction changed the same stream first: load again and decide again."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The origin of a change: the command, the actor, and the time in UTC."""

    command_id: UUID
    correlation_id: UUID
    actor: str
    at: datetime
    customer: UUID | None = None
    """The customer who acts; `None` for anybody else."""
    trace: str | None = None
    """The place of the command in its trace; `None` if it is not traced."""

    @property
    def key(self) -> CommandKey:
        """The command's identity."""
        return CommandKey(self.actor, self.command_id)


class Transaction(UnitOfWork, Protocol):
    """The bus's own view of a unit of work."""

    async def earlier(self, key: CommandKey) -> tuple[str, Receipt] | None:
        """Return the fingerprint and receipt of a command that was accepted before."""

    async def newest(self) -> EventPlace | None:
        """Return the newest event that the transaction may have seen; `None` if there is none."""

    async def commit(self, fingerprint: str) -> Receipt:
        """Append the recorded events, mark the command as done, and commit; raise `Conflict`."""


W = TypeVar("W", bound=Transaction)


class Group(Protocol[W]):
    """Several commands in one transaction, one after the other."""

    async def expect(self, commands: Sequence[tuple[CommandKey, Command]]) -> None:
        """Read at once what these commands, which are going to begin, will most likely read."""

    async def begin(self, cause: Cause) -> W:
        """Begin the next command; it sees the effects of those before it."""

    async def undo(self) -> None:
        """Undo the command that was begun last, and no other.

        This is impossible after an error of the database, which ends the transaction.
        """

    def accept(self, work: W, fingerprint: str) -> None:
        """Have the command take effect when the group is committed."""

    async def commit(self) -> Sequence[Receipt]:
        """Commit the accepted commands, all or none; return their receipts in the same order.

        Raises `Conflict`.
        """


class WriteStore(Protocol):
    """The store in which commands take effect."""

    def begin(self, cause: Cause) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction that is rolled back unless it was committed."""

    def begin_group(self) -> AbstractAsyncContextManager[Group[Any]]:
        """Begin a transaction for several commands that is rolled back unless it was committed."""

    def meaning_of(self, error: Exception) -> Exception:
        """Return `Conflict` or `WriteStoreUnavailable` for an error of the database, or else the error."""
