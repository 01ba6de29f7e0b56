"""Questions of one kind that wait at the same moment, whoever asks them, are asked together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable

AT_ONCE, CROWD = 2, 2
"""Questions of a kind that may be under way before others wait: with only one, two callers would take turns.
But where so many callers come together, the larger the questions, the less each of them costs."""

MOST = 1_000
"""Things asked for from which on a question takes no more callers along."""

T = TypeVar("T")
Ask = Callable[[Sequence[str]], Awaitable[T]]


@dataclass(frozen=True)
class _Caller:
    wanted: Sequence[str]
    answer: "asyncio.Future[Any]"


@dataclass
class _Kind:
    under_way: int = 0
    waiting: list[_Caller] = field(default_factory=list)
    crowd: int = 1
    """How many callers have come together lately."""

    @property
    def is_free(self) -> bool:
        """Whether a question may begin now."""
        return self.under_way < (AT_ONCE if self.crowd < CROWD else 1)

    def begin(self, callers: int) -> None:
        """A question begins that is asked for so many."""
        self.under_way += 1
        self.crowd = max(callers, self.crowd // 2)


class JoinedQuestions:
    """The first questions of a kind go at once; those that come meanwhile go together in the next.

    So nobody is given what was looked up before they asked, and who is alone waits for no one.
    """

    def __init__(self) -> None:
        self._kinds: dict[Hashable, _Kind] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, kind: Hashable, ask: Ask[T], wanted: Sequence[str] = ()) -> T:
        """The answer to `ask` of all that is `wanted` by then, by whomever; it is shared, so don't change it.

        All questions of a `kind` must be asked the same way.
        """
        of = self._kinds.setdefault(kind, _Kind())
        if not of.is_free:
            of.waiting.append(caller := _Caller(wanted, asyncio.get_running_loop().create_future()))
            answer: T = await caller.answer
            return answer
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
            # A task of its own: nobody's question ends with another caller who goes away.
            task = asyncio.get_running_loop().create_task(self._ask_for(callers, kind, ask))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif not of.under_way:
            del self._kinds[kind]

    async def _ask_for(self, callers: Sequence[_Caller], kind: Hashable, ask: Ask[T]) -> None:
        try:
            await _answer(callers, ask)
        finally:
            for caller in callers:
                caller.answer.cancel()  # does nothing to those that have their answer
            self._go_on(kind, ask)


async def _answer(callers: Sequence[_Caller], ask: Ask[T]) -> None:
    try:
        answer = await ask(list(dict.fromkeys(one for caller in callers for one in caller.wanted)))
    except Exception as error:
        if len(callers) > 1 and not isinstance(error, ReadStoreUnavailable | WriteStoreUnavailable):
            # One caller may want what can't be looked up; that is no fault of the others'.
            for caller in callers:
                await _answer([caller], ask)
            return
        for caller in callers:
            if not caller.answer.done():
                caller.answer.set_exception(error)
    else:
        for caller in callers:
            if not caller.answer.done():
                caller.answer.set_result(answer)


def _taken_from(waiting: list[_Caller]) -> list[_Caller]:
    """Removes those who have waited longest, as many as may be answered together."""
    count, things = 0, 0
    while count < len(waiting) and (not count or things + len(waiting[count].wanted) <= MOST):
        things += len(waiting[count].wanted)
        count += 1
    taken, waiting[:] = waiting[:count], waiting[count:]
    return taken
