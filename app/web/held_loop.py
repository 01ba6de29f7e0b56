"""Statistics of how long single steps held the event loop, for the log and for operators.

While a callback or a step of a task runs, the loop answers no other client. Only the processor time of the
loop's own thread counts, so that a busy machine is not mistaken for a fault of the service.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.web.local_clients import is_local, refused

MOST_PLACES = 50
"""Places in the code whose steps are counted."""

SHOWN = 10
"""Places in the code that operators see: those that held the loop longest."""

QUIET = 1.0
"""Seconds between two log lines, unless a step is the longest so far: a flood must not fill the log."""

MINUTE = 60.0
"""Seconds."""

logger = logging.getLogger(__name__)


@dataclass
class _CodePlace:
    """The count and the longest of the steps beyond the limit at one place in the code."""

    running: str
    at: str
    longest: float = 0.0
    times: int = 0


class HeldLoop:
    """The longest step of an event loop, and the steps beyond `limit`, in seconds of processor time."""

    def __init__(self, limit: float, clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._next_line, self._left_out = 0.0, 0
        self.forget()

    def forget(self) -> None:
        """Reset all figures."""
        self.longest = 0.0
        self.times = 0
        self._places: dict[tuple[str, str], _CodePlace] = {}
        self._since, self._longest_since, self._longest_before = self._clock(), 0.0, 0.0

    def record(self, seconds: float, running: str, at: str) -> None:
        """Record a step; log it if it is beyond the limit.

        `running` names the task or callback, and `at` the place in the code.
        """
        is_longest = seconds > self.longest
        self.longest = max(self.longest, seconds)
        self._turn_minutes()
        self._longest_since = max(self._longest_since, seconds)
        if seconds < self.limit:
            return
        self.times += 1
        place = self._place(running, at)
        place.longest, place.times = max(place.longest, seconds), place.times + 1
        now = self._clock()
        if now < self._next_line and not is_longest:
            self._left_out += 1
            return
        logger.warning(
            "The event loop was held: cpu_ms=%.1f limit_ms=%.1f longest_ms=%.1f times=%d left_out=%d "
            "running=%s at=%s",
            *(seconds * 1000, self.limit * 1000, self.longest * 1000, self.times, self._left_out),
            *(running, at),
        )
        self._next_line, self._left_out = now + QUIET, 0

    def figures(self) -> dict[str, Any]:
        """Return the figures for operators, in milliseconds."""
        self._turn_minutes()
        worst = sorted(self._places.values(), key=lambda place: -place.longest)[:SHOWN]
        return {
            "limitMs": round(self.limit * 1000, 1),
            "longestMs": round(self.longest * 1000, 1),
            "longestOfLateMs": round(max(self._longest_since, self._longest_before) * 1000, 1),
            "times": self.times,
            "places": [
                {
                    "running": place.running,
                    "at": place.at,
                    "longestMs": round(place.longest * 1000, 1),
                    "times": place.times,
                }
                for place in worst
            ],
        }

    def _turn_minutes(self) -> None:
        passed = self._clock() - self._since
        if passed >= MINUTE:
            self._longest_before = self._longest_since if passed < 2 * MINUTE else 0.0
            self._since, self._longest_since = self._clock(), 0.0

    def _place(self, running: str, at: str) -> _CodePlace:
        key = (running, at)
        if key not in self._places and len(self._places) >= MOST_PLACES:
            del self._places[min(self._places, key=lambda each: self._places[each].longest)]
        return self._places.setdefault(key, _CodePlace(running, at))


def routes(held: HeldLoop) -> list[Route]:
    """Return the operators' route, which only clients on the same machine may use: it shows code.

    `DELETE` returns the same figures and resets them.
    """

    async def loop(request: Request) -> Response:
        if not is_local(request):
            return refused()
        figures = held.figures() | {"tasks": len(asyncio.all_tasks())}
        if request.method == "DELETE":
            held.forget()
        return JSONResponse(figures, headers={"Cache-Control": "no-store"})

    return [Route("/health/loop", loop, methods=["GET", "DELETE"])]
