"""Turns on the event loop, so that operations with much to do yield to other tasks.

Libraries whose functions take long, and can't be awaited, call back now and then, such as for each node of a
document. In a greenlet such a callback can return to the event loop, and go on later from where it was.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from time import perf_counter
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

SLICE = 0.005
"""Seconds of a round of the event loop after which no other step begins; a running step is finished."""

LONG_ROUND, LONGEST_PAUSE = 0.01, 0.05
"""Seconds of a round that is followed by an equally long pause without steps; seconds of the longest pause.

A short request takes several rounds, between which it waits for the stores. Without the pause it would wait
for another long step in each round.
"""

MOST_CALLED = 50
"""Largest number of waiting steps that one round takes; an item of a list takes only microseconds."""

LONG_TEXT = 2_000
"""Characters of a text above which its steps wait; shorter ones take little time."""


class Turns:
    """A scheduler that spreads the steps of operations over several rounds of the event loop.

    A step parses, validates or compiles a text, starts a read, or completes a page. A page of customers
    starts the reads of all their orders at the same moment, and may receive all of them at the same moment.
    Without turns the loop would take all these steps before it serves any other task.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop of the current round; `None` until the round's first step."""
        self._began = 0.0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._called: deque[asyncio.Future[bool]] = deque()
        """The steps that were called in this round but found it over; they come first in the next round."""

    def over(self) -> bool:
        """Return whether this round has taken longer than `SLICE`."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the round's first step, or a new loop
            self._begin(loop)
        return perf_counter() - self._began > SLICE

    async def take(self) -> None:
        """Wait for a later round if this one is over; call this before each step."""
        if self.over():
            await self.next()

    async def take_for(self, text: str) -> None:
        """Do the same before a step on a long text; steps on short texts do not wait."""
        if len(text) > LONG_TEXT:
            await self.take()

    async def next(self) -> None:
        """Wait for a later round; each round takes one waiting step, and more while it is not over."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # The round has no step yet, so its end is not scheduled.
            self._begin(loop)
        waiting = self._waiting
        while True:
            turn = loop.create_future()
            waiting.append(turn)
            is_first = await turn
            if is_first or not self.over():
                return
            waiting = self._called

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._began = loop, perf_counter()
        loop.call_soon(self._end, context=_EMPTY)

    def _end(self) -> None:
        took = perf_counter() - self._began
        if self._loop and took > LONG_ROUND:
            self._loop.call_later(min(took, LONGEST_PAUSE), self._call, context=_EMPTY)
        else:
            self._call()

    def _call(self) -> None:
        self._loop = None
        self._waiting.extendleft(reversed(self._called))
        self._called.clear()
        called = 0
        while self._waiting and called < MOST_CALLED:
            turn = self._waiting.popleft()
            if turn.done() or turn.get_loop().is_closed():  # Its operation was cancelled.
                continue
            turn.set_result(called == 0)
            called += 1
            loop = turn.get_loop()
        if called:  # The steps run before the end of their round, because they were called earlier.
            self._begin(loop)


_EMPTY = Context()
turns = Turns()


class _Sliced(greenlet):
    """Work that `pause` may interrupt."""


def pause() -> None:
    """Have the work that runs in slices go on in a later round if this one is over; else do nothing."""
    current = getcurrent()
    if isinstance(current, _Sliced) and turns.over():
        assert current.parent
        current.parent.switch()


async def in_slices(work: Callable[[], T]) -> T:
    """Return the result of a function that calls `pause` often; yield to other tasks at each pause.

    If the caller is cancelled meanwhile, the work ends at its pause with `GreenletExit`.
    """
    running = _Sliced(work)
    running.gr_context = copy_context()  # It would begin with an empty one.
    result: T = _slice_of(running)
    try:
        while not running.dead:
            await turns.next()
            result = _slice_of(running)
    finally:
        if not running.dead:
            running.throw()
    return result


def _slice_of(running: _Sliced) -> Any:
    """Run one slice without garbage collections; they come between slices, when there is less to look at.

    Parsers and visitors make thousands of objects that are all in use.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return running.switch()
    finally:
        if collects:
            gc.enable()
