"""Sixteen who write and roll back side by side, and readers who must not pass what is not committed yet."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.write_store import Cause, Conflict
from app.cqrs.log.events import EventTypes, RecordedEvent
from app.cqrs.messages import Event
from app.stores.sql.engines.opening import open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.faults.campaign import Run
from tests.faults.findings import doubled, lost, wrong
from tests.faults.registry import fault

WRITERS, STREAMS = 16, 24
EVENTS = 1_000
"""At least so many are committed in a round."""
LONGEST_DELAY = 0.004
"""Seconds between appending and committing."""


class PageTurned(Event):
    page: int


class Pen:
    """What the writers share: the streams' versions, and the ids of all events that were committed."""

    def __init__(self) -> None:
        self.versions = [0] * STREAMS
        self.committed: list[UUID] = []


class Reader:
    """Follows the log, and notes what it was given in the order in which it was."""

    def __init__(self, store: SqlWriteStore, limit: int) -> None:
        self._store = store
        self._limit = limit
        self.seen: list[RecordedEvent] = []

    async def follow(self, end: asyncio.Event) -> None:
        """Reads until it is told the end and nothing is left."""
        while True:
            ended = end.is_set()
            after = self.seen[-1].position if self.seen else 0
            events = await self._store.read(after=after, limit=self._limit)
            self.seen += events
            if ended and not events:
                return


@fault("positions", rounds=100, short=1)
async def positions(run: Run) -> None:
    """16 writers with random delays before the commit, and rollbacks; readers follow the log."""
    url = await run.server.database() if run.server else f"sqlite+aiosqlite:///{run.folder / 'positions.db'}"
    types = EventTypes()
    types.add(PageTurned)
    async with AsyncExitStack() as opened:
        # The readers are another process's: they share nothing with the writers but the database.
        writing, reading = [
            SqlWriteStore(await opened.enter_async_context(open_database(url)), types) for _ in range(2)
        ]
        pen, end = Pen(), asyncio.Event()
        readers = [Reader(reading, limit) for limit in (7, 500)]
        following = [asyncio.create_task(reader.follow(end)) for reader in readers]
        while run.goes_on():
            enough = len(pen.committed) + EVENTS
            chances = [run.chance(run.done, writer) for writer in range(WRITERS)]
            await asyncio.gather(*(write(run, writing, pen, chance, enough) for chance in chances))
            run.done += 1
        end.set()
        await asyncio.gather(*following)
        for reader in readers:
            check(run, pen.committed, reader.seen)


async def write(run: Run, store: SqlWriteStore, pen: Pen, chance: Random, enough: int) -> None:
    """Turns pages of books that others turn, too, until enough was committed."""
    while len(pen.committed) < enough:
        book, pages = chance.randrange(STREAMS), chance.randint(1, 4)
        version, delay, commits = pen.versions[book], chance.random() * LONGEST_DELAY, chance.random() > 0.1
        run.commands += 1
        run.sent += 1
        try:
            async with store.begin(_cause()) as work:
                work.record(
                    f"book-{book}", version, [PageTurned(page=version + page) for page in range(pages)]
                )
                marks = await work.append()
                await asyncio.sleep(delay)
                if commits:
                    await work.rows.commit()
                    pen.versions[book] = max(pen.versions[book], version + pages)
                    pen.committed += [mark.event_id for mark in marks]
                    run.acknowledged += 1
        except Conflict:
            pass  # Someone else turned these pages first.


def check(run: Run, committed: Sequence[UUID], seen: Sequence[RecordedEvent]) -> None:
    """Every committed event was seen once, in an order that never goes back."""
    ids = [event.event_id for event in seen]
    run.found(*(lost(f"the event {id} was never seen") for id in set(committed) - set(ids)))
    run.found(*(wrong(f"the event {id} was seen and not committed") for id in set(ids) - set(committed)))
    if len(ids) > len(set(ids)):
        run.found(doubled(f"{len(ids) - len(set(ids))} events were seen twice"))
    if [event.position for event in seen] != list(range(1, len(seen) + 1)):
        run.found(wrong("positions have gaps or go back"))
    versions: dict[str, int] = {}
    for event in seen:
        if event.stream_version != versions.get(event.stream, 0) + 1:
            run.found(
                wrong(f"{event.stream} goes from {versions.get(event.stream)} to {event.stream_version}")
            )
        versions[event.stream] = event.stream_version


def _cause() -> Cause:
    id = uuid7()
    return Cause(command_id=id, correlation_id=id, actor="a writer", at=datetime.now(UTC))
