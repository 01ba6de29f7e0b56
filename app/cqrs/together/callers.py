"""Callers that are answered together, isolated from one another's cancellations and failures."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

W = TypeVar("W")
A = TypeVar("A")

logger = logging.getLogger(__name__)


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class Caller(Generic[W, A]):
    """A caller that waits for an answer."""

    wanted: W
    answer: "asyncio.Future[A]" = field(default_factory=_future)


class Together:
    """Answers callers together, each group in a task that the cancellation of a caller does not end.

    All callers receive a failure if its type is in `common`, or if all of them want the same. Otherwise each
    caller is answered alone: one of them may want something impossible, and the others must not fail for it.
    They are answered at the same time, or `in_turn`, as those whose order counts.
    """

    def __init__(self, common: tuple[type[Exception], ...], *, in_turn: bool = False) -> None:
        self._common = common
        self._in_turn = in_turn
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in a task of its own."""
        # It is not a part of the operation that happens to start it, in whose name its log lines would be.
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._tasks.add(task)  # The event loop itself does not keep tasks from being collected.
        task.add_done_callback(self._tasks.discard)

    async def answer(
        self,
        callers: Sequence[Caller[W, A]],
        ask: Callable[[Sequence[W]], Awaitable[Sequence[A]]],
    ) -> None:
        """Give each of `callers` its answer or failure; `ask` returns the answers in their order."""
        try:
            answers = await ask([caller.wanted for caller in callers])
        except Exception as error:
            if isinstance(error, self._common) or all(each.wanted == callers[0].wanted for each in callers):
                for caller in callers:
                    if not caller.answer.done():
                        caller.answer.set_exception(error)
            else:
                # The error's text may quote personal data, and is left out.
                name = type(error).__name__
                logger.warning(
                    "A joined request failed, and each caller is answered alone: callers=%d error=%s",
                    len(callers),
                    name,
                )
                alone = (self.answer([caller], ask) for caller in callers)
                if self._in_turn:
                    for each in alone:
                        await each
                else:
                    await asyncio.gather(*alone)
        else:
            for caller, answer in zip(callers, answers, strict=True):
                if not caller.answer.done():
                    caller.answer.set_result(answer)
        finally:
            for caller in callers:
                caller.answer.cancel()  # no effect on futures that have their answer
