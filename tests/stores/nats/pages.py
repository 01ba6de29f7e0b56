"""A log of pages that were turned, and the stream that is to equal it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from uuid import UUID

from app.cqrs.log.events import Appended, EventTypes
from app.stores.nats.away import NatsAway
from app.stores.nats.events.publisher import StreamPublisher
from app.stores.nats.events.wire import decoded
from app.stores.nats.opening import open_nats
from app.stores.nats.parts import Nats
from app.stores.sql.engines.opening import Engines
from app.stores.sql.write_store import SqlWriteStore
from tests.stores.book import PageTurned, cause

PATIENCE = 20.0
"""Seconds; far more than anything here takes."""

_names = count(1)


class Log(SqlWriteStore):
    """A write store that tells one publisher of its commits, if there is one."""

    def __init__(self, engines: Engines) -> None:
        types = EventTypes()
        types.add(PageTurned)
        super().__init__(engines, types, self._committed)
        self.told: Appended | None = None
        self.publisher: StreamPublisher | None = None
        self._version = 0

    def _committed(self, appended: Appended) -> None:
        self.told = appended
        if self.publisher:
            self.publisher.committed(appended)

    async def turn(self, pages: int = 1, *, stream: str = "book-1") -> None:
        """Commit so many events in one transaction."""
        async with self.begin(cause()) as work:
            work.record(stream, self._version, [PageTurned(page=page) for page in range(pages)])
            await work.commit("")
        self._version += pages

    async def ids(self) -> Sequence[tuple[int, UUID]]:
        """The position and the id of each event."""
        return [(each.position, each.event_id) for each in await self.read(after=0, limit=100_000)]


def a_name() -> str:
    """A name of a database that no other test uses."""
    return f"pages{next(_names)}"


async def published(nats: Nats) -> Sequence[tuple[int, UUID]]:
    """The number and the event's id of each message in the stream, which has the events in its numbers."""
    found = []
    for number, message in await nats.events.read(1, 100_000):
        event = decoded(message)
        assert event.position == number
        assert event.stored is not None
        found.append((number, event.event_id))
    return found


async def equals(nats: Nats, log: Log, *, since: int = 0) -> None:
    """Return when the stream equals the log after a position; it may have to connect again before."""
    wanted = (await log.ids())[since:]
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(NatsAway):
                if await published(nats) == wanted:
                    return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def publishing(url: str, database: str, log: Log) -> AsyncIterator[Nats]:
    """A process that publishes the events of a log, and hears what others publish."""

    async with (
        open_nats(url, "test", database=database) as nats,
        nats.publishing(log) as publisher,
        nats.subscribing(log.decoded, lambda _appended: None, lambda: None),
    ):
        log.publisher = publisher
        try:
            yield nats
        finally:
            log.publisher = None
