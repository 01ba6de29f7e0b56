"""Commands that wait at the same moment are carried out in one transaction, which makes each cheaper."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.cqrs.commands.fingerprints import former_fingerprint
from app.cqrs.commands.outcomes import CommandIdReused, Receipt, Refused, refused
from app.cqrs.commands.write_store import Cause, Transaction, WriteStore
from app.cqrs.messages import Command
from app.cqrs.together.callers import Caller, Together
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable
from app.cqrs.viewers import Viewer

MOST_TOGETHER = 32
"""Commands in one transaction. A larger group saves little more, and its first command waits longer."""

LONGEST_GROUP = 0.2
"""Seconds that a group may take, as estimated from recent commands: all of its callers wait for its end."""

SMALLEST_GROUP = 8
"""Commands that go together in any case, however long recent ones took."""

LONGEST_QUEUE = 0.8
"""Seconds that a command may have to wait for those before it, as estimated from recent commands."""

NEVER_REFUSED = 20
"""Commands before another that never make it be refused, because they are soon carried out."""

HALF = 16
"""Commands in one transaction that make half of the estimate; those before them make the other half."""


@dataclass(frozen=True)
class Asked:
    """A command on its way to its handler."""

    command: Command
    cause: Cause
    viewer: Viewer
    fingerprint: str
    forms: tuple[Command, ...]
    """The command as it was given, and with its text in one form: earlier versions stored either."""

    def answered_before(self, stored: str, receipt: Receipt) -> Receipt | Refused:
        """Return the receipt of a command with the same id, or the refusal if that was another command."""
        if stored == self.fingerprint or stored in map(former_fingerprint, self.forms):
            return receipt
        message = "This commandId was used for a different input. Use a new one for a new command."
        return refused(
            CommandIdReused(message=message, command_id=self.cause.command_id, path=("command_id",))
        )


Outcome = Receipt | Refused
Committed = Callable[[Receipt, str], None]
"""A function that is called with the receipt of each accepted command, and the command's actor."""

Decide = Callable[[Asked, Transaction], Awaitable[Outcome | None]]
"""A function that carries out a command; returns `None` if it is accepted, and must be committed."""


@dataclass
class _Pace:
    """A moving average of the time that a command takes."""

    seconds: float = 0.0

    def note(self, commands: int, seconds: float) -> None:
        """Count each command alike, so that a single slow one does not spoil the estimate."""
        self.seconds += (seconds / commands - self.seconds) * commands / (commands + HALF)

    def most_within(self, seconds: float) -> int:
        """Return the number of commands to carry out together, so that they take at most some seconds."""
        if self.seconds * MOST_TOGETHER <= seconds:
            return MOST_TOGETHER
        return max(SMALLEST_GROUP, int(seconds / self.seconds))


class Lane:
    """One transaction at a time: the first command goes at once, those that come meanwhile go together.

    A refusal or a failure undoes that command and no other. Callers get their outcomes after the commit. A
    crash keeps or loses the whole group, none of it acknowledged.
    """

    def __init__(self, store: WriteStore, decide: Decide, committed: Committed) -> None:
        self._store = store
        self._decide = decide
        self._committed = committed
        self._together = Together((WriteStoreUnavailable,))
        self._waiting: deque[Caller[Asked, Outcome | Exception]] = deque()
        self._under_way = 0
        """The number of commands in the transaction that is under way."""
        self._pace = _Pace()

    async def carry_out(self, asked: Asked) -> Outcome:
        """Return the outcome of the command, once it is committed.

        Raises `Conflict` and `WriteStoreUnavailable`, and `WriteStoreBusy` if too many commands wait already.
        """
        if not self._under_way:
            self._under_way = 1
            try:
                return await self._alone(asked)
            finally:
                self._go_on()
        self._refuse_if_crowded()
        caller: Caller[Asked, Outcome | Exception] = Caller(asked)
        self._waiting.append(caller)
        outcome = await caller.answer
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _refuse_if_crowded(self) -> None:
        ahead = self._under_way + len(self._waiting)
        wait = ahead * self._pace.seconds
        if ahead > NEVER_REFUSED and wait > LONGEST_QUEUE:
            raise WriteStoreBusy(wait)

    def _go_on(self) -> None:
        group = self._next_group()
        self._under_way = len(group)
        if group:
            self._together.start(self._answer(group))

    def _next_group(self) -> list[Caller[Asked, Outcome | Exception]]:
        group: list[Caller[Asked, Outcome | Exception]] = []
        keys = set()
        most = self._pace.most_within(LONGEST_GROUP)
        while self._waiting and len(group) < most:
            key = self._waiting[0].wanted.cause.key
            if key in keys:  # The repetition needs the receipt of the first, which exists after the commit.
                break
            caller = self._waiting.popleft()
            if not caller.answer.done():  # else its client has disconnected
                group.append(caller)
                keys.add(key)
        return group

    async def _answer(self, group: Sequence[Caller[Asked, Outcome | Exception]]) -> None:
        try:
            await self._together.answer(group, self._carry_out_all)
        finally:
            self._go_on()

    async def _carry_out_all(self, group: Sequence[Asked]) -> Sequence[Outcome | Exception]:
        if len(group) == 1:
            return [await self._alone(group[0])]
        began = monotonic()
        outcomes: dict[int, Outcome | Exception] = {}
        accepted: list[int] = []
        async with self._store.begin_group() as transaction:
            await transaction.expect([(asked.cause.key, asked.command) for asked in group])
            for number, asked in enumerate(group):
                work = await transaction.begin(asked.cause)
                outcome = await self._decided(asked, work)
                if outcome is None:
                    transaction.accept(work, asked.fingerprint)
                    accepted.append(number)
                else:
                    await transaction.undo()
                    outcomes[number] = outcome
                await asyncio.sleep(0)  # A group takes long, and no other task would run meanwhile.
            receipts = await transaction.commit() if accepted else []
        self._pace.note(len(group), monotonic() - began)
        for number, receipt in zip(accepted, receipts, strict=True):
            outcomes[number] = receipt
            self._committed(receipt, group[number].cause.actor)
        return [outcomes[number] for number in range(len(group))]

    async def _decided(self, asked: Asked, work: Transaction) -> Outcome | Exception | None:
        """Return the outcome of the command, or the exception of its handler.

        Raises what an error of the database means: it ends the transaction, and each command is tried alone.
        """
        try:
            return await self._decide(asked, work)
        except Exception as error:
            meaning = self._store.meaning_of(error)
            if meaning is not error or isinstance(meaning, WriteStoreUnavailable):
                raise meaning from error
            return meaning

    async def _alone(self, asked: Asked) -> Outcome:
        began = monotonic()
        async with self._store.begin(asked.cause) as work:
            if outcome := await self._decide(asked, work):
                return outcome
            receipt = await work.commit(asked.fingerprint)
        self._pace.note(1, monotonic() - began)
        self._committed(receipt, asked.cause.actor)
        return receipt
