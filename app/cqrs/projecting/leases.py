"""Leases, which say which of several processes projects a read model.

A lease only saves work. What keeps two projectors from the same documents is the position in their
checkpoint, which each transaction requires to be as it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from time import monotonic
from typing import Protocol
from uuid import uuid4

from app.cqrs.impersonal import outline
from app.cqrs.unavailable import ReadStoreUnavailable

LASTS = 2.0
"""Seconds after which a lease that is not renewed may be taken by another process."""

RENEWED_EVERY = 0.5
"""Seconds between two renewals."""

LOOKED_AT_EVERY = 0.1
"""Seconds between two looks of a process that waits for a lease."""

LEFT_FOR_OTHERS = 1.0
"""Seconds for which a lease is left to the process that holds the others: it joins their transactions."""

logger = logging.getLogger(__name__)


class Leases(Protocol):
    """A store of leases, by the clock of the store; it raises `ReadStoreUnavailable`."""

    async def take(self, names: Sequence[str], holder: str, seconds: float) -> Collection[str]:
        """Take these leases, or renew them, for some seconds; return those that `holder` has now."""

    async def give_back(self, holder: str) -> None:
        """Give back all leases of `holder`, so that others may take them at once."""

    async def free(self, names: Sequence[str]) -> Collection[str]:
        """Return those of these leases that nobody holds."""


class LeaseHolder:
    """Takes leases, and does the work of each one while it is held.

    The first lease decides who takes the others, so that one process has all of them as long as it can do all
    their work. One that it leaves, because it is of another version, is taken by another process.
    """

    def __init__(self, leases: Leases, names: Sequence[str], *, name: str = "") -> None:
        self.holder = f"{name or 'process'}-{uuid4().hex[:8]}"
        """The name under which this process holds leases."""
        self._leases = leases
        self._names = names
        self._free_since: dict[str, float] = {}
        self._working: dict[str, asyncio.Task[None]] = {}

    @property
    def held(self) -> Collection[str]:
        """The leases whose work this process does now."""
        return self._working.keys()

    async def run(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Do `work` with the name of each lease that is held, until cancelled; cancel it when one is lost."""
        held_until = 0.0
        try:
            while True:
                began = monotonic()
                try:
                    taken = await self._take()
                    held_until = began + LASTS
                except Exception as reason:  # It must not end the service, whose other roles go on.
                    logger.warning("The leases could not be taken: error=%s", outline(reason))
                    taken = self._working.keys() if monotonic() < held_until else ()
                await self._stop(self._working.keys() - {*taken})
                for each in taken:
                    if each not in self._working or self._working[each].done():
                        self._working[each] = asyncio.create_task(_working(work, each), name=f"lease {each}")
                waits_for_none = len(self._working) == len(self._names)
                await asyncio.sleep(RENEWED_EVERY if waits_for_none else LOOKED_AT_EVERY)
        finally:
            await self._stop({*self._working})
            with suppress(ReadStoreUnavailable):
                await self._leases.give_back(self.holder)

    async def _take(self) -> Collection[str]:
        """Renew the leases that are held, and take those that others leave; return all that are held now."""
        wanted = {*self._working}
        if others := [each for each in self._names if each not in wanted]:
            free, now = await self._leases.free(others), monotonic()
            self._free_since = {each: self._free_since.get(each, now) for each in free}
            leads = self._names[0] in wanted or self._names[0] in free
            wanted |= {
                each for each, since in self._free_since.items() if leads or now > since + LEFT_FOR_OTHERS
            }
        if not wanted:
            return ()
        return await self._leases.take([each for each in self._names if each in wanted], self.holder, LASTS)

    async def _stop(self, names: Collection[str]) -> None:
        stopped = [self._working.pop(each) for each in [*names]]
        for task in stopped:
            task.cancel()
        if stopped:
            logger.info("This process projects no longer: leases=%s", ",".join(sorted(names)))
            await asyncio.wait(stopped)


async def _working(work: Callable[[str], Awaitable[None]], name: str) -> None:
    logger.info("This process projects: lease=%s", name)
    try:
        await work(name)
    except Exception as reason:  # It is begun again with the next renewal.
        logger.warning("The work of a lease has failed: lease=%s error=%s", name, outline(reason))
