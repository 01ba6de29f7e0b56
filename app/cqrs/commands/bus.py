"""The command bus: one command, one handler, one receipt."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import State
from app.cqrs.commands.fingerprints import fingerprint
from app.cqrs.commands.lane import Asked, Committed, Lane
from app.cqrs.commands.outcomes import Receipt, Refused
from app.cqrs.commands.rules import NOBODY, Rules
from app.cqrs.commands.write_store import Cause, Conflict, Transaction, WriteStore
from app.cqrs.messages import Command, composed
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import Viewer

ATTEMPTS = 12
"""Attempts at a command that loses races with other processes, before the client is asked to retry."""

logger = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Awaitable[Refused | State]]
"""A function that carries out a command in a unit of work; if it refuses, its changes are rolled back."""

Handlers = Mapping[type[Command], Handler]
"""The handlers by the type of command."""


CustomersOf = Mapping[str, Callable[[Any, UUID], Awaitable[UUID | None]]]
"""By kind of aggregate: the functions that find the customer to whom an aggregate belongs."""


class CommandBus:
    """The way of each command to its handler, exactly once for each command id."""

    def __init__(
        self,
        store: WriteStore,
        handlers: Handlers,
        rules: Rules,
        *,
        customers_of: CustomersOf | None = None,
        committed: Committed,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lane = Lane(store, self._decide, committed)
        self._handlers = handlers
        self._rules = rules
        self._customers_of = customers_of or {}
        self._clock = clock

    async def execute(
        self, command: Command, *, viewer: Viewer, command_id: UUID | None = None
    ) -> Receipt | Refused:
        """Carry out `command` if the viewer may send it.

        If the same viewer repeats a `command_id`, they get the first receipt, and nothing changes. Another
        viewer's command with that id has nothing to do with it.

        Raises `WriteStoreUnavailable`, and `Conflict` after losing `ATTEMPTS` races in a row. The command
        may have taken effect then, so both name the id with which it may be sent again. Raises
        `WriteStoreBusy` if too many commands wait already.
        """
        rule = self._rules.get(type(command), NOBODY)
        if refusal := rule.refusal_at_once(command, viewer):
            return refusal
        id, given = command_id or uuid7(), command
        command = composed(command)  # before it is told from others: a repeat may come in the other form
        again = f"With the commandId {id} the command takes effect once, however often it is sent."
        print_, forms = fingerprint(command), (given, command)
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311
            cause = Cause(command_id=id, correlation_id=id, actor=viewer.actor, at=self._clock())
            try:
                return await self._lane.carry_out(Asked(command, cause, viewer, print_, forms))
            except Conflict as lost:
                reason = lost
            except WriteStoreBusy:
                raise
            except WriteStoreUnavailable as silence:
                raise WriteStoreUnavailable(f"{silence} {again}") from silence
        logger.warning("%s %s lost %s races in a row: %s", type(command).__name__, id, ATTEMPTS, reason)
        raise Conflict(f"Others were faster {ATTEMPTS} times in a row. Try again. {again}") from reason

    async def _decide(self, asked: Asked, work: Transaction) -> Receipt | Refused | None:
        """Return the outcome of the command; `None` if it is accepted, and must be committed."""
        key, command, kind = asked.cause.key, asked.command, type(asked.command)
        if earlier := await work.earlier(key):
            return asked.answered_before(*earlier)
        rule = self._rules[kind]

        async def customer_of(kind: str, id: UUID) -> UUID | None:
            return await self._customers_of[kind](work, id)

        refusal = await rule.refusal(command, asked.viewer, customer_of)
        outcome = refusal or await self._handlers[kind](command, work)
        if isinstance(outcome, Refused):
            # Where processes run side by side, what stands against it may be its own repetition's doing.
            repeated = await work.earlier(key)
            return asked.answered_before(*repeated) if repeated else rule.told(outcome, command, asked.viewer)
        return None
