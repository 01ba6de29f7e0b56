"""A projector's waits end when they are to, and no call is lost."""

import asyncio

import pytest

from app.cqrs.log.event_bus import AsyncioEventBus, EventBatch
from app.cqrs.projecting.interrupts import Doubted, Interrupts

FAR = 10.0
"""Seconds; far more than anything here takes."""


def far() -> float:
    return asyncio.get_running_loop().time() + FAR


async def test_a_doubt_ends_the_wait_for_a_batch() -> None:
    interrupts = Interrupts()
    with AsyncioEventBus(capacity=2).subscribe() as batches:
        waiting = asyncio.ensure_future(interrupts.next_batch(batches, far()))
        await asyncio.sleep(0)
        interrupts.doubt()
        async with asyncio.timeout(FAR):
            with pytest.raises(Doubted):
                await waiting


async def test_a_doubt_comes_before_a_batch_that_is_there() -> None:
    bus, interrupts = AsyncioEventBus(capacity=2), Interrupts()
    with bus.subscribe() as batches:
        await bus.publish(EventBatch(after=0, events=[]))
        interrupts.doubt()
        with pytest.raises(Doubted):
            await interrupts.next_batch(batches, far())


async def test_after_a_doubt_nobody_begins_to_wait() -> None:
    interrupts = Interrupts()
    interrupts.doubt()
    with AsyncioEventBus(capacity=2).subscribe() as batches:
        async with asyncio.timeout(FAR / 2):
            with pytest.raises(Doubted):
                await interrupts.next_batch(batches, far())


async def test_with_nothing_to_come_the_wait_ends_in_time() -> None:
    interrupts = Interrupts()
    with AsyncioEventBus(capacity=2).subscribe() as batches:
        now = asyncio.get_running_loop().time()
        assert await interrupts.next_batch(batches, now) is None
        assert await interrupts.next_batch(batches, now + 0.01) is None


async def test_a_call_between_two_waits_ends_the_second() -> None:
    interrupts = Interrupts()
    assert not await interrupts.woken_within(0)
    interrupts.wake()
    assert await interrupts.woken_within(FAR)


async def test_a_pause_does_not_end_with_a_call_from_before_it() -> None:
    interrupts = Interrupts()
    interrupts.wake()
    pausing = asyncio.ensure_future(interrupts.pause(None))
    await asyncio.sleep(0)
    assert not pausing.done()
    interrupts.wake()
    async with asyncio.timeout(FAR):
        await pausing
