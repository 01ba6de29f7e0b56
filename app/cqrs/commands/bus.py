"""The command bus: one command, one handler, one receipt."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import State
from app.cqrs.commands.asked import Asked, Outcome
from app.cqrs.commands.carrying_out import CarryingOut, Committed, Result
from app.cqrs.commands.lane import Lane
from app.cqrs.commands.lists import Entry, ListOfCommands
from app.cqrs.commands.outcomes import Receipt, Refused
from app.cqrs.commands.rules import NOBODY, Rules
from app.cqrs.commands.write_store import Cause, Conflict, Transaction, WriteStore
from app.cqrs.measured import logged
from app.cqrs.measured.commands import MeasuredCommands
from app.cqrs.measured.spans import Attributes, current_place, current_span
from app.cqrs.measured.tracing import MOST_NAMED
from app.cqrs.messages import Command
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import Viewer

ATTEMPTS = 12
"""Attempts at a command that loses races with other processes, before the client is asked to retry."""

ACCEPTED = "ACCEPTED"
"""The outcome under which accepted commands and their repetitions are counted."""

AGAIN = "With the commandId {} the command takes effect once, however often it is sent."
"""The end of each message about a command of which nobody knows whether it has taken effect."""

logger = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Awaitable[Refused | State]]
"""A function that carries out a command in a unit of work; if it refuses, its changes are rolled back."""

Handlers = Mapping[type[Command], Handler]
"""The handlers by the type of command."""


T = TypeVar("T")

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
        keyed: Callable[[str], str] = str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Store the fingerprints of commands as `keyed` returns them."""
        self._lane = Lane(CarryingOut(store, self._decide, committed))
        self._handlers = handlers
        self._rules = rules
        self._customers_of = customers_of or {}
        self._keyed = keyed
        self._clock = clock
        self.measured = MeasuredCommands()
        """The commands of this process, by type and by the code of the first reason why they were refused."""

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
        if (span := current_span()) is None:
            return await self._execute(command, viewer, command_id or uuid7())
        with span.begin_below(f"command {type(command).__name__}") as own:
            id = command_id or uuid7()
            own.note({"diptych.command.id": str(id)})
            outcome = await self._execute(command, viewer, id)
            own.note(_shown([outcome]))
        return outcome

    async def _execute(self, command: Command, viewer: Viewer, id: UUID) -> Outcome:
        began, name = perf_counter(), type(command).__name__
        asked = self._asked(command, viewer, id)
        try:
            outcome = asked if isinstance(asked, Refused) else await self._carry_out(asked)
        except Exception as error:
            self.measured.add([(name, counted_as(error))], began)
            raise
        self.measured.add([(name, counted_as(outcome))], began)
        return outcome

    async def execute_all(
        self, entries: Sequence[Entry], *, viewer: Viewer, atomic: bool = False
    ) -> Sequence[Result]:
        """Carry out commands in their order, each one as `execute` does; return their outcomes in that order.

        A refused command does not keep those after it from being carried out. If the list is `atomic`, a
        single refusal rolls back all; the others are refused with `RolledBack`. Commands that were accepted
        before, because the list or a part of it is repeated, keep their receipts in either case.

        An outcome is the exception that `execute` would have raised; the commands after it were not begun
        if the store is to blame. Raises an exception, instead of returning it, if it concerns the whole list:
        `WriteStoreBusy`, and for an atomic list all that `execute` raises.
        """
        if (span := current_span()) is None:
            return await self._execute_all(entries, viewer, atomic=atomic)
        with span.begin_below("command list") as own:
            own.note({"diptych.commands": len(entries)})
            results = await self._execute_all(entries, viewer, atomic=atomic)
            own.note(_shown(results))
        return results

    async def _execute_all(
        self, entries: Sequence[Entry], viewer: Viewer, *, atomic: bool
    ) -> Sequence[Result]:
        began = perf_counter()
        names = [type(entry.command).__name__ for entry in entries]  # `Refused` if it describes none
        listed = ListOfCommands(self._lane, self._asked, self._carry_out, self._raced)
        try:
            results = await listed.execute(entries, viewer, atomic=atomic)
        except Exception as error:
            self.measured.add([(name, counted_as(error)) for name in names], began)
            raise
        self.measured.add(zip(names, map(counted_as, results), strict=True), began)
        return results

    def _asked(self, command: Command, viewer: Viewer, id: UUID) -> Asked | Refused:
        """Return the command on its way, or the refusal that needs no look into the store."""
        if refusal := self._rules.get(type(command), NOBODY).refusal_at_once(command, viewer):
            return refusal
        cause = Cause(
            command_id=id,
            correlation_id=id,
            actor=viewer.actor,
            at=self._clock(),
            customer=viewer.scope.customer_id,
            trace=current_place(),
        )
        return Asked.of(command, cause, viewer, self._keyed)

    async def _carry_out(self, asked: Asked) -> Outcome:
        id, name = asked.cause.command_id, type(asked.command).__name__
        asked.name_in_log()

        async def carry_out(moment: datetime) -> Outcome:
            return await self._lane.carry_out(asked.at(moment))

        outcome = await self._raced(carry_out, f"{name} {id}", AGAIN.format(id))
        logged.done()  # After an error the lines about that error still name the command.
        return outcome

    async def _raced(self, carry_out: Callable[[datetime], Awaitable[T]], name: str, again: str) -> T:
        """Carry something out, and repeat that if it loses races; errors say how to send it again."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311
            try:
                return await carry_out(self._clock())
            except Conflict as lost:
                reason = lost
            except WriteStoreBusy:
                raise
            except WriteStoreUnavailable as silence:
                raise WriteStoreUnavailable(f"{silence} {again}") from silence
        logger.warning("%s lost %s races in a row: %s", name, ATTEMPTS, reason)
        raise Conflict(f"Others were faster {ATTEMPTS} times in a row. Try again. {again}") from reason

    async def _decide(self, asked: Asked, work: Transaction) -> Outcome | None:
        """Return the outcome of the command; `None` if it is accepted, and must be committed."""
        outcome = await self._decided(asked, work)
        if isinstance(outcome, Refused):
            # The head is read last: whatever stood against the command is at most there.
            return replace(outcome, decided_after=await work.newest())
        return outcome

    async def _decided(self, asked: Asked, work: Transaction) -> Outcome | None:
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


def _shown(results: Sequence[Result]) -> Attributes:
    """Return the attributes of a span that show the outcomes of its commands."""
    marks = [mark for each in results if isinstance(each, Receipt) for mark in each.events][:MOST_NAMED]
    return {
        "diptych.command.outcomes": sorted(set(map(counted_as, results))),
        "diptych.events.positions": [mark.position for mark in marks],
        "diptych.events.types": sorted({mark.type for mark in marks}),
    }


def counted_as(result: Result) -> str:
    """Return what the outcome of a command is counted as."""
    if isinstance(result, Refused):
        return result.errors[0].code
    return type(result).__name__ if isinstance(result, Exception) else ACCEPTED
