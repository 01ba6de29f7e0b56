"""An event loop whose time is virtual and whose order is chance: one seed, one history.

Nothing waits: where no callback is ready, time jumps to the next timer. Of the callbacks that are ready, a
seeded `Random` picks the next. What belongs to a `Life` runs no more once that is over: a process that is
killed stops between two callbacks, and whatever it had in memory is out of reach.
"""

import asyncio
import heapq
from bisect import insort
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

A_STEP = 0.000_1
"""Seconds that a callback takes at most, so that timers come in between."""


class Life:
    """What tasks have in common that die together."""

    over = False
    paused_until = 0.0
    """The time at which a paused process goes on: none of its callbacks runs before."""


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs one coroutine and all that it starts; the first exception that nobody expected ends it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._ready: list[tuple[int, int, asyncio.Handle, Life | None]] = []
        self._timers: list[tuple[float, int, asyncio.Handle, Life | None]] = []
        self._tasks: dict[
            asyncio.Task[Any], int
        ] = {}  # holds them all to the end, so that none is seen to be collected
        self._calls = 0
        self._failure: BaseException | None = None
        self.steps = 0

    def run(self, main: Coroutine[Any, Any, T], *, seconds: float) -> T:
        """What `main` returns; raises `AssertionError` where it takes longer, or hangs."""
        task = self.create_task(main)
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            while not task.done():
                self._step(seconds)
                if self._failure:
                    raise self._failure
            result: T = task.result()
            self._tell_of_lost_exceptions()
            return result
        finally:
            self._bury()
            asyncio._set_running_loop(outer)

    def fail(self, failure: BaseException) -> None:
        """Ends the run with `failure`, whoever may catch it meanwhile."""
        self._failure = self._failure or failure

    def spawn(self, work: Coroutine[Any, Any, None], life: Life | None) -> "asyncio.Task[None]":
        """A task that ends with `life`; an exception in it ends the run."""
        context = copy_context()
        context.run(_LIFE.set, life)
        task = self.create_task(work, context=context)
        task.add_done_callback(self._heed, context=context)
        return task

    def _heed(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (failure := task.exception()):
            self.fail(failure)

    def _step(self, deadline: float) -> None:
        if self._ready:
            self._now += self._random.random() * A_STEP
        else:
            assert self._timers, "everyone waits for everyone"
            self._now = max(self._now, self._timers[0][0])
        assert self._now < deadline, f"not done within {deadline:g} seconds"
        while self._timers and self._timers[0][0] <= self._now:
            _, call, due, life = heapq.heappop(self._timers)
            insort(self._ready, (0, call, due, life))
        _, call, handle, life = self._ready.pop(self._random.randrange(len(self._ready)))
        if handle.cancelled() or (life and life.over):
            return
        if life and life.paused_until > self._now:
            heapq.heappush(self._timers, (life.paused_until, call, handle, life))
            return
        self.steps += 1
        handle._run()

    def _tell_of_lost_exceptions(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and task._log_traceback:
                raise AssertionError(f"nobody heard of {task.exception()!r}")

    def _bury(self) -> None:
        """Ends what is still running, now rather than when the garbage is collected."""
        for task in self._tasks:
            if not task.done():
                coroutine = task.get_coro()
                assert isinstance(coroutine, Coroutine)
                # Who has a last thing to do does not get to it: there is no task to wait in.
                with suppress(asyncio.CancelledError, StopIteration, RuntimeError):
                    coroutine.throw(asyncio.CancelledError())
                coroutine.close()

    def time(self) -> float:
        return self._now

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks[task] = len(self._tasks) + 1
        return task

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        # Sorted by task: who wakes many may do so in the order of a set, which differs from run to run.
        whose = getattr(callback, "__self__", None)
        owner = self._tasks.get(whose, 0) if isinstance(whose, asyncio.Task) else 0
        self._calls += 1
        insort(self._ready, (owner, self._calls, handle, context.get(_LIFE)))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        context = context or copy_context()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._calls += 1
        heapq.heappush(self._timers, (when, self._calls, handle, context.get(_LIFE)))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.fail(context.get("exception") or AssertionError(context["message"]))

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time comes."""
