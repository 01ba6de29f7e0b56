"""Sockets and streams that stay open: each ends when its viewer's token expires or is revoked."""

import asyncio
import time
from collections.abc import Callable

from app.cqrs.viewers import Viewer

EXPIRED = "The token has expired. Get a new one and continue after your last cursor."
REVOKED = "The token was revoked. Sign in again."

LONGEST_TIMER = 3600.0
"""Seconds after which a timer looks at the clock again, which may have been set meanwhile."""


class _Session:
    """A socket or stream of one viewer."""

    def __init__(
        self, viewer: Viewer, ended: Callable[[str], None], left: Callable[["_Session"], None]
    ) -> None:
        self.viewer = viewer
        self._ended = ended
        self._left = left
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def end(self, reason: str) -> None:
        """End the socket or stream, and forget it."""
        self.stop()
        self._ended(reason)

    def stop(self) -> None:
        """Watch it no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._left(self)

    def _wait(self) -> None:
        if self.viewer.expires_at is not None:
            left = min(max(self.viewer.expires_at - time.time(), 0), LONGEST_TIMER)
            self._timer = asyncio.get_running_loop().call_later(left, self._check)

    def _check(self) -> None:
        if (self.viewer.expires_at or 0) > time.time():
            self._wait()
        else:
            self.end(EXPIRED)


class Sessions:
    """The open sockets and streams of viewers that have a token."""

    def __init__(self) -> None:
        self._of: dict[str, set[_Session]] = {}

    def watch(self, viewer: Viewer, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended` once with the reason when the viewer's token is no longer valid.

        Return the function that ends the watch, which the caller must call when the socket or stream ends.
        """
        session = _Session(viewer, ended, self._leave)
        self._of.setdefault(viewer.actor, set()).add(session)
        return session.stop

    def revoke(self, actor: str) -> None:
        """End all sockets and streams of an actor."""
        for session in tuple(self._of.get(actor, ())):
            session.end(REVOKED)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def _leave(self, session: _Session) -> None:
        sessions = self._of.get(session.viewer.actor)
        if sessions:
            sessions.discard(session)
            if not sessions:
                del self._of[session.viewer.actor]
