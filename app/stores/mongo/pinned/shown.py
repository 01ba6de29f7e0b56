"""The documents that the pinned node shows, and waits until it shows more."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from app.cqrs.documents.generations import Generation
from app.cqrs.unavailable import ReadStoreUnavailable
from app.stores.mongo.pinned.stored import Stored
from app.stores.mongo.reads.primary import Address

ANSWER_LIMIT = 1.0
"""Seconds for the node's answer to a look."""

PATIENCE = 5.0
"""Seconds for the node's answer to somebody who can't do without: other reads may be in the way."""

MOST_NODES = 3
"""Nodes in turn that a read is sent to before it fails."""

LONGEST_LAG = 1.0
"""Seconds after which a node that does not show what was announced is left, if another one does."""

UNKNOWN = 0.25
"""Seconds for which the store is not asked again after it could not say what it has."""

FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two looks while something is waited for."""

AWAITED = 2.0
"""Seconds that a read waits for a node, if there is none at the moment."""

Read = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Reads all checkpoints from the node that is pointed at."""


class Moved(Exception):
    """The node that was read from is read from no longer."""


class ShownDocuments:
    """The checkpoints that one node has shown last, and what was told of them."""

    def __init__(self, newest: Callable[[str], Awaitable[Stored | None]]) -> None:
        """Compare with what `newest` reads from the primary of a generation."""
        self._newest = newest
        self.read: Read
        self.address: Address | None = None
        """The node that reads are sent to; they wait while it is not pinned."""
        self._pinned = asyncio.Event()
        self._number = 0
        """The number of times that a node was pinned."""
        self._stirred = asyncio.Event()
        self._shown: dict[str, Stored] = {}
        """The stored state of each generation as the node has shown it last."""
        self._told: dict[str, int] = {}
        """The position of each generation that was announced last; another node should show it, too."""
        self._answered_at = 0.0
        self._lags = False
        self._unknown_until = 0.0

    async def until_pinned(self, seconds: float = AWAITED) -> None:
        """Wait for a node if there is none; raise `ReadStoreUnavailable` after some seconds."""
        if self._pinned.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._pinned.wait()
        except TimeoutError:
            raise ReadStoreUnavailable("The read store does not answer. Try again.") from None

    async def probe(self) -> None:
        """Check that the node shows its documents; raise `ReadStoreUnavailable`."""
        await self.positions([])

    async def positions(self, generations: Sequence[Generation]) -> Mapping[str, int]:
        """Return the positions of these generations that the node has documents of, by their keys."""
        keys = [each.key for each in generations]
        for _ in range(MOST_NODES):
            await self.until_pinned()
            if await self._look(PATIENCE):
                return {key: self._shown[key].position for key in keys if key in self._shown}
        raise ReadStoreUnavailable("The read store does not answer. Try again.")

    async def shows(self, documents: str, position: int) -> bool:
        """Wait until the node shows the checkpoint `position` of a generation, or a later one."""
        if not position:  # There may be no documents at all yet.
            return True
        self._told[documents] = position
        if (shown := self._shown.get(documents)) and shown.position >= position:
            return True
        return await self._until(lambda: documents in self._shown and self._shown[documents][1] >= position)

    async def is_level(self, documents: str) -> bool:
        """Wait until the node shows all of a generation that the primary had when this was called."""
        if monotonic() < self._unknown_until:
            return False
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                newest = await self._newest(documents)
        except (ReadStoreUnavailable, TimeoutError):
            newest = None
        if newest is None:
            self._unknown_until = monotonic() + UNKNOWN
            return False
        self._told[documents] = newest.position
        return await self._until(lambda: documents in self._shown and self._shown[documents].covers(newest))

    async def _until(self, is_so: Callable[[], bool]) -> bool:
        """Look until something is shown, or return false."""
        number, give_up, pause = self._number, monotonic() + LONGEST_LAG, FIRST_PAUSE
        while self._pinned.is_set() and self._number == number:
            if not await self._look():
                return False
            if self._number == number and is_so():
                return True
            if monotonic() > give_up:
                self._lags = True
                self._stirred.set()
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return False

    async def _look(self, seconds: float = ANSWER_LIMIT) -> bool:
        """Learn what the node shows; return whether it has answered in time."""
        number, address = self._number, self.address
        try:
            async with asyncio.timeout(seconds):
                found = await self.read()
        except (ReadStoreUnavailable, Moved, TimeoutError):
            return False
        if self._number != number or self.address != address:
            return False
        self._shown = {each["_id"]: Stored.of(each) for each in found}
        self._answered_at = monotonic()
        return True
