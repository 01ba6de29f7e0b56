"""Questions of one kind that wait at the same moment, whoever asks them, are asked together."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from app.cqrs.callers import Caller, Together
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable

AT_ONCE = 2
"""Questions of a kind that may be under way at once: with only one, two callers would take turns."""

JOINED_FROM = 2
"""Callers of one question from which on only one is under way: the larger questions are, the less each caller
costs."""

MOST = 1_000
"""Things asked for from which on a question takes no more callers along."""

T = TypeVar("T")
Ask = Callable[[Sequence[str]], Awaitable[T]]


@dataclass
class _Kind:
    under_way: int = 0
    waiting: list[Caller[Sequence[str], Any]] = field(default_factory=list)
    joined: int = 1
    """The callers of the last questions, which count less the longer ago these were."""

    @property
    def is_free(self) -> bool:
        """Whether a question may begin now."""
        return self.under_way < (AT_ONCE if self.joined < JOINED_FROM else 1)

    def begin(self, callers: int) -> None:
        """Note that a question of so many callers begins."""
        self.under_way += 1
        self.joined = max(callers, self.joined // 2)


class JoinedQuestions:
    """The first questions of a kind are asked at once; those that come meanwhile go together in the next.

    Hence no caller is given what was looked up before they asked, and one who is alone waits for no other.
    """

    def __init__(self) -> None:
        self._kinds: dict[Hashable, _Kind] = {}
        self._together = Together((ReadStoreUnavailable, WriteStoreUnavailable))

    async def ask(self, kind: Hashable, ask: Ask[T], wanted: Sequence[str] = ()) -> T:
        """Return the answer to `ask` of all that any caller wants by then; it is shared, so don't change it.

        All questions of a `kind` must be asked the same way.
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
    """Remove those who have waited longest, as many as may be answered together, and return them."""
    count, things = 0, 0
    while count < len(waiting) and (not count or things + len(waiting[count].wanted) <= MOST):
        things += len(waiting[count].wanted)
        count += 1
    taken, waiting[:] = waiting[:count], waiting[count:]
    return taken
