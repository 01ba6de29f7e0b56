"""Operations give way to others on the event loop, however much there is to do for them at once."""

import asyncio
from collections import deque
from contextvars import Context
from time import perf_counter

SLICE = 0.005
"""Seconds of one round of the event loop, after which whoever can wait does; the step that runs is ended."""

LONG_ROUND, LONGEST_PAUSE = 0.01, 0.05
"""Seconds of a round after which no step is taken for as long as it took, and for how long at the most.

A request takes several rounds, and waits for the stores in between: else it would wait for a step each time.
"""

MOST_CALLED = 50
"""Steps that may be taken in a round after they have waited; an item of a list takes only microseconds."""

LONG_TEXT = 2_000
"""Characters of a text for which steps wait; to parse, validate and compile a shorter one takes little."""


class Turns:
    """Spreads the steps of operations over several rounds of the loop.

    A step is a text that is parsed, validated or compiled, a read that begins, or a page that is shown. A
    page of customers begins to read the orders of all of them at the same moment, and may have all of them at
    the same moment. Without turns the loop would do one after the other before it looks at anything else.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop whose round it is; `None` until a step is taken in a round."""
        self._began = 0.0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._called: deque[asyncio.Future[bool]] = deque()
        """Who was called in this round, found that it had enough, and comes first in the next one."""

    def over(self) -> bool:
        """Return whether this round of the loop has had enough."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # The round's first step, or a loop after the one that was there before.
            self._begin(loop)
        return perf_counter() - self._began > SLICE

    async def take(self) -> None:
        """Wait for a later round where this one has had enough; to be called before a step."""
        if self.over():
            await self.next()

    async def take_for(self, text: str) -> None:
        """Do so before a step on a long text; short ones do not wait, for honest clients send them."""
        if len(text) > LONG_TEXT:
            await self.take()

    async def next(self) -> None:
        """Wait for a later round; each takes one of the steps that wait, and more while it has time."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # Nobody has taken a step in this round, so nobody would end it.
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
        if called:  # Their steps are before the end of their round, as they were called before it.
            self._begin(loop)


_EMPTY = Context()
turns = Turns()
