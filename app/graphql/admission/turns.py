"""Turns on the event loop, so that operations with much to do yield to other tasks.

Libraries whose functions take long, and can't be awaited, call back now and then, such as for each node of a
document. In a greenlet such a callback can return to the event loop, and go on later from where it was.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, ContextVar, copy_context
from time import perf_counter
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

SLICE = 0.005
"""Seconds of steps after which no other step begins; a running step is finished."""

LONG_ROUND, LONGEST_REST = 0.01, 0.05
"""Seconds of steps that are followed by a rest even if no short operation is under way, and of the longest
rest. What else runs, such as projections, is no operation.
"""

REST = 2
"""Seconds of rest after each second of steps while a short operation is under way; else it is one."""

MOST_CALLED = 50
"""Largest number of waiting steps that one round takes; an item of a list takes only microseconds."""

LONG_TEXT = 2_000
"""Characters of a text above which its steps wait; shorter ones take little time."""

FEW_ITEMS = 10
"""Items of a list between which there is no pause."""

LARGE_JSON = 50_000
"""Bytes of JSON above which parsing it is a step; 50,000 take up to 0.5 ms."""


class Turns:
    """A scheduler that spreads the steps of long operations over several rounds of the event loop.

    A step parses, validates or compiles a text, starts a read, or completes a page. A page of customers
    starts the reads of all their orders at the same moment, and may receive all of them at the same moment.
    Without turns the loop would take all these steps before it serves any other task.

    Steps that have taken longer than `SLICE` together are followed by a rest, in which no step begins. It is
    `REST` times as long as they were while a short operation is under way: this takes several rounds of the
    loop, between which it waits for the stores. Without rests it would wait in each round for a step of a
    long operation, and there may be many of these.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop of the current round or rest; `None` until the round's first step."""
        self._began = self._ended = 0.0
        self._taken = 0.0
        """Seconds that earlier rounds have taken since the last rest."""
        self._rest: asyncio.TimerHandle | None = None
        """The end of the current rest, if there is one."""
        self._short = 0
        """The number of operations under way that have not waited for a turn."""
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._called: deque[asyncio.Future[bool]] = deque()
        """The steps that were called in this round but found it over; they come first in the next round."""

    def over(self) -> bool:
        """Return whether no other step may begin now: a rest is due, or has begun."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the round's first step, or a new loop
            self._begin(loop)
        return self._rest is not None or self._taken + perf_counter() - self._began > SLICE

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
        if operation := _OPERATION.get():
            operation.waits()  # This may end a rest, and comes first therefore.
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

    def operation(self) -> "OperationUnderWay":
        """Return a context manager whose block is a short operation, until it has to wait for a turn."""
        return OperationUnderWay(self)

    def began_short(self) -> None:
        """Count one more short operation."""
        self._short += 1

    def ended_short(self) -> None:
        """Count one short operation less; after the last one a rest that was for it ends."""
        self._short -= 1
        if not self._short and self._rest and self._taken <= LONG_ROUND:
            self._rest.cancel()
            self._call()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        now = perf_counter()
        if now - self._ended > self._taken:  # Meanwhile there was as much time as in a rest.
            self._taken = 0.0
        self._loop, self._began, self._rest = loop, now, None
        loop.call_soon(self._end, context=_EMPTY)

    def _end(self) -> None:
        self._ended = perf_counter()
        self._taken += self._ended - self._began
        wanted = self._short and self._taken > SLICE
        if self._loop and (wanted or self._taken > LONG_ROUND):
            rest = self._taken * (REST if self._short else 1)
            self._rest = self._loop.call_later(min(rest, LONGEST_REST), self._call, context=_EMPTY)
        else:
            self._call()

    def _call(self) -> None:
        if self._rest or self._taken > SLICE:
            self._taken = 0.0
        self._loop = self._rest = None
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


class OperationUnderWay:
    """An operation, which is short until it waits for a turn."""

    __slots__ = ("_is_short", "_token", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns, self._is_short = turns, False

    def __enter__(self) -> None:
        self._is_short = True
        self._turns.began_short()
        self._token = _OPERATION.set(self)

    def __exit__(self, *_raised: object) -> None:
        _OPERATION.reset(self._token)
        self.waits()

    def waits(self) -> None:
        """Count the operation as a short one no longer."""
        if self._is_short:
            self._is_short = False
            self._turns.ended_short()


_OPERATION: ContextVar[OperationUnderWay | None] = ContextVar("_OPERATION", default=None)
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


def in_slice() -> bool:
    """Return whether `pause` may interrupt the caller."""
    return isinstance(getcurrent(), _Sliced)


def pausing(things: Iterable[T]) -> Iterator[T]:
    """Yield the things, with a pause before every `FEW_ITEMS` of them."""
    for number, thing in enumerate(things):
        if not number % FEW_ITEMS:
            pause()
        yield thing


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
