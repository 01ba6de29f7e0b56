"""Leases, taken by real processes' means from a real mongod."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from app.cqrs.projecting import leases as leases_module
from app.cqrs.projecting.leases import LASTS, LeaseHolder
from app.stores.mongo.store import MongoReadStore

NAMES = ["notes_1", "sales_1"]


class Process:
    """A process that takes leases, and does work that shows."""

    def __init__(self, store: MongoReadStore, names: list[str] = NAMES) -> None:
        self.holder = LeaseHolder(store.leases, names, name="test")
        self.at_work: set[str] = set()
        self.moved = asyncio.Condition()

    async def work(self, lease: str) -> None:
        """Work until cancelled."""
        await self._set(lease, self.at_work.add)
        try:
            await asyncio.Event().wait()
        finally:
            await self._set(lease, self.at_work.discard)

    async def has(self, *names: str) -> None:
        """Wait until this process does the work of just these leases."""
        async with asyncio.timeout(10), self.moved:
            await self.moved.wait_for(lambda: self.at_work == {*names})

    async def _set(self, lease: str, change: Callable[[str], None]) -> None:
        async with self.moved:
            change(lease)
            self.moved.notify_all()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Process"]:
        """Take leases until the block ends."""
        task = asyncio.create_task(self.holder.run(self.work))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_one_process_has_all_leases_and_another_takes_them_when_it_stops(
    read_store: MongoReadStore,
) -> None:
    first, second = Process(read_store), Process(read_store)
    async with second.running():
        await second.has(*NAMES)
        async with first.running():
            assert await read_store.leases.free(NAMES) == set()
            assert not first.at_work
    async with first.running():
        await first.has(*NAMES)
    assert await read_store.leases.free(NAMES) == {*NAMES}


async def test_a_lease_that_is_not_renewed_is_taken_by_the_clock_of_the_store(
    read_store: MongoReadStore,
) -> None:
    assert await read_store.leases.take(NAMES, "killed", 0.2) == {*NAMES}
    assert await read_store.leases.take(NAMES, "other", LASTS) == set()
    process = Process(read_store)
    async with process.running():
        await process.has(*NAMES)
        assert await read_store.leases.take(NAMES, "killed", LASTS) == set()


async def test_a_lease_that_the_first_process_can_not_use_is_taken_by_another(
    read_store: MongoReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "LEFT_FOR_OTHERS", 0.3)
    older, newer = Process(read_store, ["notes_1"]), Process(read_store)
    async with older.running():
        await older.has("notes_1")
        async with newer.running():
            await newer.has("sales_1")
            assert older.at_work == {"notes_1"}


async def test_who_loses_a_lease_stops_its_work(read_store: MongoReadStore) -> None:
    process = Process(read_store)
    async with process.running():
        await process.has(*NAMES)
        taken: Awaitable[object] = read_store.leases.give_back(process.holder.holder)
        await taken
        await read_store.leases.take(["sales_1"], "another", 60)
        await process.has("notes_1")
