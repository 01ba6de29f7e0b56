"""Operations give way to others on the event loop, however much of them becomes ready at once."""

import asyncio
from collections import deque
from contextvars import Context
from time import perf_counter

SLICE = 0.005
"""Seconds of one round of the event loop, after which whoever can wait does; the step that runs is ended."""


class Turns:
    """Spreads the steps of operations, such as reads that begin and pages to be shown, over several rounds.

    A page of customers begins to read the orders of all of them at the same moment, and may have all of them
    at the same moment. Without turns the loop would do one after the other before it looks at anything else.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop whose round it is; `None` until a step is taken in a round."""
        self._began = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def over(self) -> bool:
        """Return whether this round of the loop has had enough."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # The round's first step, or a loop after the one that was there before.
            self._begin(loop)
        return perf_counter() - self._began > SLICE

    async def next(self) -> None:
        """Wait for a later round; one step that has waited is taken in each."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._began = loop, perf_counter()
        loop.call_soon(self._end, context=_EMPTY)

    def _end(self) -> None:
        self._loop = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done() and not turn.get_loop().is_closed():  # Else its operation was cancelled.
                self._begin(turn.get_loop())
                turn.set_result(None)
                return


_EMPTY = Context()
turns = Turns()
