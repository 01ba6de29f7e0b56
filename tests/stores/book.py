"""A write store whose only event is a page that was turned, and somebody who hears of commits."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from app.cqrs.commands.write_store import Cause
from app.cqrs.log.events import EventTypes
from app.cqrs.messages import Event
from app.stores.sql.engines.opening import Engines
from app.stores.sql.transactions import SqlWork
from app.stores.sql.write_store import SqlWriteStore

PATIENCE = 10.0
"""Seconds; far more than anything here takes."""

T = TypeVar("T")


class PageTurned(Event):
    page: int


class Store(SqlWriteStore):
    def __init__(self, engines: Engines) -> None:
        types = EventTypes()
        types.add(PageTurned)
        super().__init__(engines, types)
        self.engines = engines

    async def turn(self, stream: str, version: int) -> None:
        async with self.begin(cause()) as work:
            turned(work, stream, version)
            await work.commit("")

    async def someone_waits_for_a_lock(self) -> None:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with asyncio.timeout(PATIENCE), self.engines.reading.connect() as connection:
            while not (await connection.execute(waiting)).scalar_one():
                pass

    async def seen(self) -> list[tuple[int, str]]:
        return [(event.position, event.stream) for event in await self.read(after=0, limit=100)]


class Heard:
    """A listener to commits, which can be waited for."""

    def __init__(self) -> None:
        self.told_of: asyncio.Queue[UUID | None] = asyncio.Queue()
        self.began = asyncio.Event()

    def committed(self, command_id: UUID | None) -> None:
        self.told_of.put_nowait(command_id)

    def missed(self) -> None:
        self.began.set()

    async def begins(self) -> None:
        await soon(self.began.wait())
        self.began.clear()


def cause() -> Cause:
    id = uuid7()
    return Cause(command_id=id, correlation_id=id, actor="a test", at=datetime.now(UTC))


def turned(work: SqlWork, stream: str, version: int) -> None:
    work.record(stream, version, [PageTurned(page=version)])


async def soon(something: Awaitable[T]) -> T:
    return await asyncio.wait_for(something, PATIENCE)


async def ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
