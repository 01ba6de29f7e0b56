"""Each part of the log is read once for all who follow close behind one another."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.cqrs.log import shared_log
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.history import read_on
from app.cqrs.log.shared_log import SharedLog
from tests.cqrs.desk import MemoryLog
from tests.cqrs.notes import NoteRead


class SlowLog(MemoryLog):
    """Answers when it may; a read that fails does so once."""

    def __init__(self, events: int) -> None:
        super().__init__()
        self.append(*(NoteRead() for _ in range(events)))
        self.may_answer = asyncio.Event()
        self.fails = False

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        found = await super().read(after=after, limit=limit)
        await self.may_answer.wait()
        if self.fails:
            self.fails = False
            raise OSError("disk")
        return found


@pytest.fixture
def log() -> SlowLog:
    return SlowLog(10)


async def begun(
    log: SharedLog, readers: int, *, after: int = 0
) -> list["asyncio.Task[Sequence[RecordedEvent]]"]:
    tasks = [asyncio.create_task(log.read(after=after, limit=4)) for _ in range(readers)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_is_read_once_for_all_who_ask_meanwhile_and_after(log: SlowLog) -> None:
    shared = SharedLog(log)
    readers = await begun(shared, 3)
    log.may_answer.set()
    for events in await asyncio.gather(*readers, *await begun(shared, 2)):
        assert [event.position for event in events] == [1, 2, 3, 4]
    assert log.reads == [(0, 4)]
    assert await shared.head() == 10


async def test_the_end_of_the_log_is_read_anew_by_each(log: SlowLog) -> None:
    shared = SharedLog(log)
    first, second = await begun(shared, 2, after=8)
    log.append(NoteRead())
    log.may_answer.set()
    assert [event.position for event in await first] == [9, 10]
    assert [event.position for event in await second] == [9, 10, 11]
    assert [event.position for event in await shared.read(after=8, limit=4)] == [9, 10, 11]


async def test_a_read_that_fails_is_not_kept(log: SlowLog) -> None:
    shared = SharedLog(log)
    log.fails = True
    first, second = await begun(shared, 2)
    log.may_answer.set()
    with pytest.raises(OSError, match="disk"):
        await first
    assert len(await second) == 4


async def test_who_goes_away_takes_nothing_from_the_others(log: SlowLog) -> None:
    shared = SharedLog(log)
    first, second = await begun(shared, 2)
    first.cancel()
    log.may_answer.set()
    assert len(await second) == 4
    assert log.reads == [(0, 4)]


async def test_keeps_the_newest_parts_only(log: SlowLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_log, "CACHED_BATCHES", 2)
    log.may_answer.set()
    shared = SharedLog(log)
    for after in (0, 1, 2, 0, 2):
        await shared.read(after=after, limit=4)
    assert [after for after, _ in log.reads] == [0, 1, 2, 0]


async def read_all(shared: SharedLog, events: int, *, steps_between: int) -> list[int]:
    """Read the log in parts of four, as projectors do; return the positions that were read."""
    found: list[RecordedEvent] = []
    while len(found) < events:
        found += await read_on(shared, found[-1] if found else None, 4)
        for _ in range(steps_between):
            await asyncio.sleep(0)
    return [event.position for event in found]


async def test_who_is_faster_waits_so_that_each_part_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_log, "CACHED_BATCHES", 3)
    log = SlowLog(200)
    log.may_answer.set()
    shared = SharedLog(log)
    async with asyncio.timeout(20):
        readers = [read_all(shared, 200, steps_between=steps) for steps in (0, 0, 1, 40)]
        for found in await asyncio.gather(*readers):
            assert found == [*range(1, 201)]
    assert log.reads == [(0, 4), *((after, 5) for after in range(3, 199, 4))]


async def test_nobody_waits_for_long_for_one_who_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_log, "CACHED_BATCHES", 3)
    monkeypatch.setattr(shared_log, "LONGEST_WAIT", 0.01)
    log = SlowLog(200)
    log.may_answer.set()
    shared = SharedLog(log)
    slow = asyncio.create_task(read_all(shared, 200, steps_between=10))
    async with asyncio.timeout(20):
        await asyncio.gather(*(read_all(shared, 40, steps_between=0) for _ in range(2)))
        slow.cancel()
        for found in await asyncio.gather(*(read_all(shared, 200, steps_between=0) for _ in range(2))):
            assert found == [*range(1, 201)]


async def alive_while_one_reads(shared: SharedLog, parts: range) -> list[int]:
    """Read so many parts of four; return how many of those read so far are in memory, after each."""
    read, alive = list[weakref.ref[RecordedEvent]](), list[int]()
    for part in parts:
        read.append(weakref.ref((await shared.read(after=4 * part, limit=4))[0]))
        alive.append(sum(each() is not None for each in read))
    return alive


async def test_a_reader_who_has_long_been_alone_has_few_parts_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The garbage collector would look at all of them again and again, which holds everything up."""
    monkeypatch.setattr(shared_log, "CACHED_BATCHES", 5)
    log = MemoryLog()
    log.append(*(NoteRead() for _ in range(200)))
    made, log.events = log.events, []

    class Copying(MemoryLog):
        async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
            return [replace(each) for each in made[after : after + limit]]

    shared = SharedLog(Copying())
    alive = await alive_while_one_reads(shared, range(20))
    assert max(alive[:10]) == 5
    assert alive[-1] == 2
    # Another one who comes close behind is noticed, and more is kept for both again.
    assert len(await shared.read(after=4 * 19, limit=4)) == 4
    for after in range(20, 23):
        for _ in range(2):
            await shared.read(after=4 * after, limit=4)
    assert max(await alive_while_one_reads(shared, range(23, 30))) == 5


async def test_parts_that_nobody_reads_any_more_are_dropped(
    log: SlowLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_log, "UNUSED_SECONDS", 0.05)
    log.may_answer.set()
    shared = SharedLog(log)
    event = weakref.ref((await shared.read(after=0, limit=4))[0])
    log.events.clear()
    assert event(), "dropped while it may be read again"
    async with asyncio.timeout(20):
        while event():
            await asyncio.sleep(0.01)
            gc.collect()
