"""The pace of a rebuild, measured over its last seconds."""

from collections import deque

WINDOW = 10.0
"""Seconds over which the pace is measured."""

_FINEST = 0.2
"""Seconds between two positions that are remembered."""


class Pace:
    """Positions of the last seconds, from which events a second and the time left follow."""

    def __init__(self) -> None:
        self._seen = deque[tuple[float, int]]()

    def note(self, now: float, position: int) -> None:
        """Record the position at a time in seconds, of any clock that never goes back."""
        if self._seen and position < self._seen[-1][1]:  # The documents were lost, and begun anew.
            self._seen.clear()
        if len(self._seen) > 1 and now - self._seen[-2][0] < _FINEST:
            self._seen.pop()
        self._seen.append((now, position))
        while self._seen[0][0] < now - WINDOW and len(self._seen) > 1:
            self._seen.popleft()

    def events_per_second(self, now: float) -> float:
        """Return the events per second until `now`; 0 if there are too few positions to tell."""
        if not self._seen:
            return 0.0
        (began, first), (_, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now > began else 0.0

    def seconds_left(self, now: float, events: int) -> float | None:
        """Return the seconds until this many events are applied; `None` if nothing moves."""
        if events <= 0:
            return 0.0
        pace = self.events_per_second(now)
        return events / pace if pace > 0 else None
