"""Questions of one kind that wait at the same time are asked together, for all their callers."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from app.cqrs.together.callers import Caller, Together
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable

MAX_IN_FLIGHT = 2
"""Questions of a kind that may be in flight at once: with only one, two callers would take turns."""

CALLERS_FOR_ONE_IN_FLIGHT = 2
"""Callers per question from which only one question is in flight: larger questions cost less per caller."""

MAX_IDS = 1_000
"""Ids in one question from which no further caller joins it."""

T = TypeVar("T")
Ask = Callable[[Sequence[str]], Awaitable[T]]


@dataclass
class _Kind:
    under_way: int = 0
    waiting: list[Caller[Sequence[str], Any]] = field(default_factory=list)
    joined: int = 1
    """The recent number of callers per question; older questions weigh less."""

    @property
    def is_free(self) -> bool:
        """True if a question may begin now."""
        return self.under_way < (MAX_IN_FLIGHT if self.joined < CALLERS_FOR_ONE_IN_FLIGHT else 1)

    def begin(self, callers: int) -> None:
        """Record that a question for this many callers begins."""
        self.under_way += 1
        self.joined = max(callers, self.joined // 2)


class JoinedQuestions:
    """Asks the first questions of a kind at once, and joins those that arrive meanwhile in the next one.

    Each answer was looked up after its caller asked, and a single caller never waits for another one.
    """

    def __init__(self) -> None:
        self._kinds: dict[Hashable, _Kind] = {}
        self._together = Together((ReadStoreUnavailable, WriteStoreUnavailable))

    async def ask(self, kind: Hashable, ask: Ask[T], wanted: Sequence[str] = ()) -> T:
        """Return the answer of `ask` to all that its callers want; it is shared and must not be changed.

        All questions of a `kind` must use an equivalent `ask`.
        """
        of = self._kinds.setdefault(kind, _Kind())
        if not of.is_free:
            caller: Caller[Sequence[str], T] = Caller(wanted)
            of.waiting.append(caller)
            return await caller.answer
        of.begin(1)
        try:
            return await ask(wanted)
        finally:
            self._go_on(kind, ask)

    def _go_on(self, kind: Hashable, ask: Ask[T]) -> None:
        of = self._kinds[kind]
        of.under_way -= 1
        if of.waiting and of.is_free:
            callers = _taken_from(of.waiting)
            of.begin(len(callers))
            self._together.start(self._ask_for(callers, kind, ask))
        elif not of.under_way:
            del self._kinds[kind]

    async def _ask_for(
        self, callers: Sequence[Caller[Sequence[str], T]], kind: Hashable, ask: Ask[T]
    ) -> None:
        async def ask_once(wanted: Sequence[Sequence[str]]) -> Sequence[T]:
            return [await ask(list(dict.fromkeys(chain.from_iterable(wanted))))] * len(wanted)

        try:
            await self._together.answer(callers, ask_once)
        finally:
            self._go_on(kind, ask)


def _taken_from(waiting: list[Caller[Sequence[str], Any]]) -> list[Caller[Sequence[str], Any]]:
    """Remove and return the callers that have waited longest, as many as may be answered together."""
    count, things = 0, 0
    while count < len(waiting) and (not count or things + len(waiting[count].wanted) <= MAX_IDS):
        things += len(waiting[count].wanted)
        count += 1
    taken, waiting[:] = waiting[:count], waiting[count:]
    return taken
