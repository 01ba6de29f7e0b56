"""The command's way in: one command, one handler, one transaction, one receipt."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import State, UnitOfWork
from app.cqrs.commands.fingerprints import fingerprint, former_fingerprint
from app.cqrs.commands.outcomes import CommandIdReused, Receipt, Refused, refused
from app.cqrs.impersonal import Impersonal
from app.cqrs.messages import Command, composed
from app.cqrs.unavailable import WriteStoreUnavailable

ATTEMPTS = 12
"""How often a command that lost a race is tried before the client is asked to try again."""

logger = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Awaitable[Refused | State]]
"""What carries out a command in a unit of work; what it did is undone where it refuses in the end."""

Handlers = Mapping[type[Command], Handler]
"""Which handler a command goes to, by the command's type."""


class Conflict(Impersonal):
    """Another transaction changed the same stream first: load again and decide again."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Who asked for a change, in what context, and when (UTC)."""

    command_id: UUID
    correlation_id: UUID
    actor: str
    at: datetime


class Transaction(UnitOfWork, Protocol):
    """The bus's own view of a unit of work."""

    async def earlier(self, command_id: UUID) -> tuple[str, Receipt] | None:
        """The fingerprint and receipt of a command that was accepted before."""

    async def commit(self, fingerprint: str) -> Receipt:
        """Appends the recorded events, marks the command as done and commits; raises `Conflict`."""


class WriteStore(Protocol):
    """Where commands take effect."""

    def begin(self, cause: Cause) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that is rolled back unless it was committed."""


class CommandBus:
    """Brings each command to its handler, exactly once per command id."""

    def __init__(
        self,
        store: WriteStore,
        handlers: Handlers,
        *,
        committed: Callable[[Receipt], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._committed = committed
        self._clock = clock

    async def execute(
        self, command: Command, *, command_id: UUID | None = None, actor: str = "anonymous"
    ) -> Receipt | Refused:
        """Carries out `command`; a repeated `command_id` gets the first receipt and changes nothing.

        Raises `WriteStoreUnavailable`, and `Conflict` after losing `ATTEMPTS` races in a row. Nobody knows
        then whether the command took effect, so both say with which id it may be sent again.
        """
        id, given = command_id or uuid7(), command
        command = composed(command)  # before it is told from others: a repeat may come in the other form
        again = f"With the commandId {id} the command takes effect once, however often it is sent."
        told = _Told(fingerprint(command), (given, command))
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311
            try:
                return await self._attempt(command, id, told, actor)
            except Conflict as lost:
                reason = lost
            except WriteStoreUnavailable as silence:
                raise WriteStoreUnavailable(f"{silence} {again}") from silence
        logger.warning("%s %s lost %s races in a row: %s", type(command).__name__, id, ATTEMPTS, reason)
        raise Conflict(f"Others were faster {ATTEMPTS} times in a row. Try again. {again}") from reason

    async def _attempt(self, command: Command, id: UUID, told: "_Told", actor: str) -> Receipt | Refused:
        cause = Cause(command_id=id, correlation_id=id, actor=actor, at=self._clock())
        async with self._store.begin(cause) as work:
            if earlier := await work.earlier(id):
                return _repeated(id, told, *earlier)
            outcome = await self._handlers[type(command)](command, work)
            if isinstance(outcome, Refused):
                # Where commands run side by side, what stands against it may be its own twin's doing.
                twin = await work.earlier(id)
                return _repeated(id, told, *twin) if twin else outcome
            receipt = await work.commit(told.fingerprint)
        self._committed(receipt)
        return receipt


@dataclass(frozen=True)
class _Told:
    """By what a command is told from others with the same id."""

    fingerprint: str
    forms: tuple[Command, ...]
    """As it was given, and with its text in one form: either may have been stored by an earlier version."""

    def is_same(self, stored: str) -> bool:
        return stored == self.fingerprint or stored in map(former_fingerprint, self.forms)


def _repeated(id: UUID, told: _Told, stored: str, receipt: Receipt) -> Receipt | Refused:
    if told.is_same(stored):
        return receipt
    message = "This commandId was used for a different input. Use a new one for a new command."
    return refused(CommandIdReused(message=message, command_id=id, path=("command_id",)))
