"""Commands that wait at the same moment are carried out in one transaction, which makes each cheaper."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from app.cqrs.commands.asked import Asked, Listed, Outcome
from app.cqrs.commands.carrying_out import CarryingOut, Result
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.together.callers import Caller, Together
from app.cqrs.unavailable import WriteStoreBusy, WriteStoreUnavailable

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

SHORTEST_COMMAND = 0.0002
"""Seconds that a command is taken to need at least, before the first one has been measured."""

HALF = 16
"""Commands in one transaction that make half of the estimate; those before them make the other half."""


@dataclass
class _Pace:
    """A moving average of the time that a command takes."""

    seconds: float = 0.0

    def note(self, commands: int, seconds: float) -> None:
        """Count each command alike, so that a single slow one does not spoil the estimate."""
        self.seconds += (seconds / commands - self.seconds) * commands / (commands + HALF)

    def most_within(self, seconds: float) -> int:
        """Return the number of commands to carry out together, so that they take at most some seconds."""
        return max(SMALLEST_GROUP, min(self.commands_within(seconds), MOST_TOGETHER))

    def commands_within(self, seconds: float) -> int:
        """Return the number of commands that take so many seconds."""
        return int(seconds / max(self.seconds, SHORTEST_COMMAND))


Waiting = Caller[Asked | Listed, Any]


class Lane:
    """One transaction at a time: the first command goes at once, those that come meanwhile go together.

    A refusal or a failure undoes that command and no other. A list of commands is a group of its own. Callers
    get their outcomes after the commit. A crash keeps or loses the whole group, none of it acknowledged.
    """

    def __init__(self, carrying_out: CarryingOut) -> None:
        self._carrying_out = carrying_out
        self._together = Together((WriteStoreUnavailable,), in_turn=True)
        self._waiting: deque[Waiting] = deque()
        self._under_way = 0
        """The number of commands in the transaction that is under way."""
        self._behind = 0
        """The number of commands that wait."""
        self._pace = _Pace()

    @property
    def most_of_a_list(self) -> int:
        """The number of commands of a list to carry out together; their sender waits for all of them anyway.

        Other senders wait meanwhile: the transaction takes `LONGEST_GROUP` at most, as far as it is known.
        """
        return max(MOST_TOGETHER, self._pace.commands_within(LONGEST_GROUP))

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
        self.refuse_if_crowded()
        result: Result = await self._queued(asked).answer
        if isinstance(result, Exception):
            raise result
        return result

    async def carry_out_list(self, listed: Listed) -> Sequence[Result]:
        """Return the outcomes of commands, or the exceptions of their handlers, once they are committed.

        They wait for their turn, however long that takes: see `refuse_if_crowded`. Raises `Conflict`,
        `WriteStoreUnavailable`, and whatever else an error of the database means; none has taken effect then,
        except if it is unknown whether the store has committed them.
        """
        caller = self._queued(listed)
        if not self._under_way:
            self._go_on()
        results: Sequence[Result] = await caller.answer
        return results

    def refuse_if_crowded(self) -> None:
        """Raise `WriteStoreBusy` if too many commands wait already."""
        ahead = self._under_way + self._behind
        wait = ahead * self._pace.seconds
        if ahead > NEVER_REFUSED and wait > LONGEST_QUEUE:
            raise WriteStoreBusy(wait)

    def _queued(self, wanted: Asked | Listed) -> Waiting:
        caller: Waiting = Caller(wanted)
        self._waiting.append(caller)
        self._behind += _commands_in(wanted)
        return caller

    def _go_on(self) -> None:
        group = self._next_group()
        self._under_way = sum(_commands_in(caller.wanted) for caller in group)
        if group:
            self._together.start(self._answer(group))

    def _next_group(self) -> list[Waiting]:
        group: list[Waiting] = []
        keys = set()
        most = self._pace.most_within(LONGEST_GROUP)
        while self._waiting and len(group) < most:
            wanted = self._waiting[0].wanted
            if isinstance(wanted, Listed):
                if group:
                    break
            elif wanted.cause.key in keys:
                # The repetition needs the receipt of the first, which exists after the commit.
                break
            caller = self._waiting.popleft()
            self._behind -= _commands_in(wanted)
            if caller.answer.done():  # Its client has disconnected.
                continue
            group.append(caller)
            if isinstance(wanted, Listed):
                break
            keys.add(wanted.cause.key)
        return group

    async def _answer(self, group: Sequence[Waiting]) -> None:
        try:
            await self._together.answer(group, self._carry_out_all)
        finally:
            self._go_on()

    async def _carry_out_all(self, group: Sequence[Asked | Listed]) -> Sequence[Any]:
        match group:
            case [Listed() as listed]:
                atomic, doomed = listed.atomic, listed.doomed
                return [await self._timed(listed.commands, atomic=atomic, doomed=doomed)]
            case [Asked() as asked]:
                asked.name_in_log()
                return [await self._alone(asked)]
        return await self._timed([asked for asked in group if isinstance(asked, Asked)])

    async def _timed(self, group: Sequence[Asked], **how: bool) -> Sequence[Result]:
        began = monotonic()
        results = await self._carrying_out.together(group, **how)
        self._pace.note(len(group), monotonic() - began)
        return results

    async def _alone(self, asked: Asked) -> Outcome:
        began = monotonic()
        outcome = await self._carrying_out.alone(asked)
        if isinstance(outcome, Receipt):
            self._pace.note(1, monotonic() - began)
        return outcome


def _commands_in(wanted: Asked | Listed) -> int:
    return len(wanted.commands) if isinstance(wanted, Listed) else 1
