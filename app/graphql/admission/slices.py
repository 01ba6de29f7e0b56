"""Long synchronous work in slices: it pauses whenever a round of the event loop has taken long enough.

Libraries whose functions take long, and can't be awaited, call back now and then, such as for each node of a
document. A greenlet lets such a callback return to the event loop, and go on later from where it was.
"""

from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from greenlet import getcurrent, greenlet

from app.graphql.admission.turns import turns

T = TypeVar("T")


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
    result: T = running.switch()
    try:
        while not running.dead:
            await turns.next()
            result = running.switch()
    finally:
        if not running.dead:
            running.throw()
    return result
