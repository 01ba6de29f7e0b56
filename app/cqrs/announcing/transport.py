"""The port to whatever carries announcements from projectors to the processes that answer queries."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

MOST_KEPT = 10_000
"""Newest kept announcements that the transport remembers."""


class Announcements(Protocol):
    """A transport of announcements. It may lose some, and deliver some twice; hearers notice both."""

    @property
    def connected(self) -> bool:
        """True unless the connection is lost at this moment."""

    def tell(self, message: bytes, *, kept: bool) -> None:
        """Send `message` to all hearers, and remember it if it is to be `kept`; never wait, never raise."""

    def hear(self, heard: Callable[[bytes], None]) -> AbstractContextManager[object]:
        """Call `heard` with each message from now on, in the order of arrival, until the block ends."""

    async def recent(self, most: int = MOST_KEPT) -> Sequence[bytes]:
        """Return the newest kept messages, oldest first; none if the transport does not answer."""
