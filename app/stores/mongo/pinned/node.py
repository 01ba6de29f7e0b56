"""The node of a replica set that a process reads from, and the choice of another one when it fails.

On one node time does not go back, so reads need not say which moment they must show. The process waits for
the node's checkpoint once per announcement instead (see `app.cqrs.announcing`). When another node is chosen,
the process doubts all that it knew: the other one may show an earlier moment.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

from app.cqrs.impersonal import outline
from app.stores.mongo.pinned.choice import PRIMARY, Choice, named
from app.stores.mongo.pinned.members import Members
from app.stores.mongo.pinned.shown import LONGEST_PAUSE, Moved, ShownDocuments
from app.stores.mongo.pinned.stored import Stored
from app.stores.mongo.reads.direct_reads import DirectReads
from app.stores.mongo.reads.primary import Address

T = TypeVar("T")

LOOK = 0.25
"""Seconds between two looks at the node."""

SILENCE = 2.0
"""Seconds without any answer after which another node is chosen."""

FIRST_SEEN = 0.5
"""Seconds at the start for which the members are awaited before one of those that answer is chosen."""

CATCH_UP = 1.0
"""Seconds for which a node is looked for that shows all that was announced, before any other is taken."""

BETWEEN_MOVES = 10.0
"""Seconds between two moves away from a node that answers."""

logger = logging.getLogger(__name__)


class PinnedNode(ShownDocuments):
    """The node that all reads of this process go to, until it dies, lags, or leaves the replica set."""

    def __init__(
        self,
        choice: Choice,
        direct: DirectReads,
        newest: Callable[[str], Awaitable[Stored | None]],
        *,
        addresses: Callable[[], Sequence[Address]],
        moved: Callable[[], None],
    ) -> None:
        """Call `moved` whenever another node is read from, before it is.

        `newest` reads from the primary what is stored of a generation, and `addresses` returns those of all
        members, the nearest first.
        """
        super().__init__(newest)
        self._choice = choice
        self._direct = direct
        self._addresses = addresses
        self._moved = moved
        self.members = Members(
            asyncio.get_running_loop(), self._member_changed, only_primary=choice.where == PRIMARY
        )
        self._left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._move_from = 0.0

    @property
    def name(self) -> str | None:
        """The pinned node as HOST:PORT; `None` while there is none."""
        if self.address is None or not self._pinned.is_set():
            return None
        return named(self.address)

    async def run(self) -> None:
        """Pin a node, and another one whenever that fails, until cancelled."""
        while True:
            try:
                await self._step()
            except Exception as error:
                logger.error("The node to read from could not be chosen: error=%s", outline(error))
                await asyncio.sleep(LOOK)

    async def unless_left(self, read: Awaitable[T]) -> T:
        """Return what is read, or raise `Moved` as soon as the node is left."""
        left, reading = self._left, asyncio.ensure_future(read)
        try:
            either: list[asyncio.Future[Any]] = [left, reading]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                raise Moved
            return reading.result()
        finally:
            if reading.done() and not reading.cancelled():
                reading.exception()  # It is of no interest if the node was left.
            reading.cancel()

    async def _step(self) -> None:
        if not self._pinned.is_set():
            return await self._choose()
        await self._stirring(LOOK)
        if not self._pinned.is_set() or (address := self.address) is None:
            return None
        if address not in self._addresses():
            return self._leave("it is no member any more")
        if not await self._look():
            seen = max(self._answered_at, self.members.seen_at.get(address, 0))
            if monotonic() > seen + SILENCE and self.address == address:
                self._leave("it does not answer")
            return None
        lags, self._lags = self._lags, False
        if monotonic() < self._move_from:
            return None
        if lags and len(self._candidates()) > 1:
            return await self._move(address, "it lags")
        preferred = self._choice.address
        if preferred and address != preferred and preferred in self.members.able:
            return await self._move(address, "the node of MONGODB_READ_FROM is back")
        return None

    async def _move(self, address: Address, why: str) -> None:
        """Pin a node that shows more than the one that answers, or that is preferred, if there is one."""
        self._move_from = monotonic() + BETWEEN_MOVES
        self._leave(why)
        await self._choose(instead_of=address)

    async def _choose(self, instead_of: Address | None = None) -> None:
        """Pin the first node that shows all that was announced; after a second, the one that shows most."""
        if not self._number:
            await self._until_all_are_seen()
        until = monotonic() + CATCH_UP
        while True:
            best, most = instead_of if instead_of in self.members.able else None, -1
            for address in self._candidates():
                if address == instead_of:
                    continue
                self._point_at(address)
                if not await self._look():
                    continue
                if all(self._position(key) >= position for key, position in self._told.items()):
                    return self._pin(address)
                shown = sum(each.position for each in self._shown.values())
                if shown > most and instead_of is None:
                    best, most = address, shown
            if best and (instead_of or monotonic() > until):
                self._told.clear()
                self._point_at(best)
                return self._pin(best)
            instead_of = None
            self._point_at(None)
            await self._stirring(LONGEST_PAUSE)

    async def _until_all_are_seen(self) -> None:
        """Wait until it is known of each member whether its documents may be read, or for a moment."""
        until = monotonic() + FIRST_SEEN
        while monotonic() < until and not {*self._addresses()} <= self.members.seen_at.keys():
            await self._stirring(LONGEST_PAUSE)

    async def _stirring(self, seconds: float) -> None:
        """Return when a member has come or gone, or when there is something else to do, or after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        self._stirred.clear()

    def _position(self, documents: str) -> int:
        shown = self._shown.get(documents)
        return shown.position if shown else 0

    def _candidates(self) -> Sequence[Address]:
        """Return the members whose documents may be read, in the order in which to try them."""
        able = [address for address in self._addresses() if address in self.members.able]
        return sorted(able, key=lambda address: address != self._choice.address)

    def _pin(self, address: Address) -> None:
        if address not in self.members.able:  # It was lost a moment ago.
            return
        self._number += 1
        self._left = asyncio.get_running_loop().create_future()
        self._lags = False
        self._pinned.set()
        logger.info("Documents are read from one node: node=%s", self.name)

    def _leave(self, why: str) -> None:
        """Read from no node until another one is pinned."""
        if not self._pinned.is_set():
            return
        logger.warning("Another node to read from is chosen: left=%s reason=%s", self.name, why)
        self._pinned.clear()
        self._point_at(None)
        self._left.set_result(None)
        self._moved()
        self._stirred.set()

    def _point_at(self, address: Address | None) -> None:
        if address != self.address:
            self.address = address
            self._shown = {}
            self._direct.primary_lost()
        if address and (process := self.members.able.get(address)):
            self._direct.primary_found(process)

    def _member_changed(self, address: Address) -> None:
        self._stirred.set()
        if address == self.address:
            self._direct.primary_lost()
            self._leave("it has ended, or started again")
