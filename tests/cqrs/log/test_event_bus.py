"""A subscriber that is slow misses batches, and takes no more memory for it."""

import asyncio

from app.cqrs.log import event_bus
from app.cqrs.log.event_bus import MAX_QUEUED_EVENTS, AsyncioEventBus, EventBatch
from tests.cqrs.desk import MemoryLog
from tests.cqrs.notes import NoteRead


async def missed_after(batches: list[EventBatch], *, capacity: int = 256) -> int:
    """Return the position up to which a subscriber has missed what was published before it looked."""
    bus = AsyncioEventBus(capacity)
    with bus.subscribe() as source:
        for batch in batches:
            await bus.publish(batch)
        received = [await source.next()]
        while received[-1].last < batches[-1].last:
            received.append(await asyncio.wait_for(source.next(), 20))
        assert [batch.after for batch in received[1:]] == [batch.last for batch in received[:-1]]
        return received[0].after


def batches_of(size: int, count: int) -> list[EventBatch]:
    log = MemoryLog()
    return [log.append(*[NoteRead()] * size) for _ in range(count)]


async def test_a_queue_drops_its_oldest_batches_beyond_a_number_of_batches() -> None:
    assert await missed_after(batches_of(2, 4), capacity=4) == 0
    assert await missed_after(batches_of(2, 7), capacity=4) == 6


async def test_a_queue_drops_its_oldest_batches_beyond_a_number_of_events() -> None:
    assert await missed_after(batches_of(500, MAX_QUEUED_EVENTS // 500)) == 0
    assert await missed_after(batches_of(500, MAX_QUEUED_EVENTS // 500 + 3)) == 1_500


async def test_a_batch_that_is_larger_than_a_queue_by_itself_is_delivered() -> None:
    assert await missed_after(batches_of(MAX_QUEUED_EVENTS + 1, 1)) == 0
    assert event_bus.MAX_JOINED_EVENTS < MAX_QUEUED_EVENTS
