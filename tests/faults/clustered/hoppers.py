"""Subscribers who hop between query processes: they hang up, and go on with their cursor elsewhere."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import aiohttp

from tests.faults.findings import Finding
from tests.faults.watchers import Item, Watcher

LONGEST_STAY = 8.0
"""Seconds for which a hopper stays with one process at most."""


@dataclass
class Hopper(Watcher):
    """A subscriber of one process after the other, in turn."""

    urls: Sequence[str] = ()
    chance: Random = field(default_factory=Random)
    hops: int = 0
    there: str = ""
    """The URL of the process that it is with."""

    async def _listen(self, url: str, http: aiohttp.ClientSession, found: Callable[[Finding], None]) -> None:
        self.hops += 1
        self.there = self.urls[self.hops % len(self.urls)]
        with suppress(TimeoutError):  # it has stayed long enough
            async with asyncio.timeout(self.chance.uniform(0.05, LONGEST_STAY)):
                await super()._listen(self.there, http, found)

    async def _keep(self, item: Item) -> None:
        await super()._keep({**item, "from": self.there, "at": f"{datetime.now():%H:%M:%S.%f}"})  # noqa: DTZ005
