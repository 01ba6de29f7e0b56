"""Viewers of tokens that were verified, remembered until they expire.

An answer from memory takes 20 µs, and looks up its viewer. A digest of the token, a look at the clock and an
order of use would add a tenth of that. Therefore a token is told by the end of its signature, which is a
digest itself, a timer drops what has expired, and the oldest entry goes first.
"""

import asyncio
import time

from app.cqrs.memory.sizes import bytes_of
from app.cqrs.viewers import Viewer

MOST_BYTES = 8_000_000
"""Bytes of all remembered viewers."""

PER_VIEWER = 500
"""Bytes that a remembered viewer takes besides its names: its key, and the entries that find it."""

TAIL = 43
"""Characters at the end of a token that are compared: 256 bits of a signature that only its holder knows."""

LONGEST_TIMER = 30.0
"""Seconds after which the timer looks at the clock again, which may have been set meanwhile."""


class RememberedViewers:
    """The viewers of at most `most_bytes` bytes of tokens; memory holds no whole token that could be sent."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._entries: dict[int, tuple[bytes, Viewer]] = {}
        """Viewers with the ends of their tokens, by the tokens' hashes."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self.bytes = 0
        """The bytes that all entries take."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: bytes) -> Viewer | None:
        """Return the viewer of exactly this token, if it is remembered and has not expired."""
        entry = self._entries.get(hash(token))
        return entry[1] if entry is not None and token.endswith(entry[0]) else None

    def put(self, token: bytes, viewer: Viewer) -> None:
        """Remember the viewer of a verified token; forget the oldest ones that no longer fit."""
        self._drop(hash(token))
        self._entries[hash(token)] = token[-TAIL:], viewer
        self.bytes += _size(viewer)
        while self.bytes > self._most_bytes:
            self._drop(next(iter(self._entries)))
        if viewer.expires_at is not None:
            self._drop_at(viewer.expires_at)

    def clear(self) -> None:
        """Forget all viewers."""
        self._entries.clear()
        self.bytes = 0

    def _drop(self, key: int) -> None:
        if entry := self._entries.pop(key, None):
            self.bytes -= _size(entry[1])

    def _drop_at(self, expires_at: float) -> None:
        """Have the timer fire at this time, or earlier."""
        if expires_at < self._timer_at:
            if self._timer:
                self._timer.cancel()
            self._timer_at = expires_at
            wait = min(max(expires_at - time.time(), 0), LONGEST_TIMER)
            self._timer = asyncio.get_running_loop().call_later(wait, self._drop_expired)

    def _drop_expired(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        now, next_at = time.time(), float("inf")
        for key, (_, viewer) in tuple(self._entries.items()):
            if viewer.expires_at is None:
                continue
            if viewer.expires_at <= now:
                self._drop(key)
            else:
                next_at = min(next_at, viewer.expires_at)
        if self._entries and next_at < float("inf"):
            self._drop_at(next_at)


def _size(viewer: Viewer) -> int:
    return PER_VIEWER + bytes_of((viewer.actor, viewer.scope))
