"""From the log to the bus: in order, chained, and without waiting for anyone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from app.cqrs.log.event_bus import AsyncioEventBus, EventBatch
from app.cqrs.log.events import Appended, RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.log.history import History, tag_of
from app.cqrs.log.relay import BATCH, Relay
from tests.read_models.shop import History as Shop
from tests.read_models.shop import product_added


class Log:
    """An event log in memory, which can fail to answer."""

    def __init__(self) -> None:
        self.history = Shop()
        self.failures = 0
        self.heads_to_fail = 0
        self.was_read = asyncio.Event()

    async def head(self) -> int:
        if self.heads_to_fail:
            self.heads_to_fail -= 1
            raise OSError("the log does not answer")
        return len(self.history.events)

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        if self.failures:
            self.failures -= 1
            raise OSError("the log does not answer")
        self.was_read.set()
        return self.history.events[after : after + limit]

    def happen(self, count: int) -> None:
        self.history.record(*(product_added() for _ in range(count)))


@asynccontextmanager
async def running(relay: Relay, *, start: int = 0) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run(start))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def span(batch: EventBatch) -> tuple[int, int]:
    return batch.after, batch.last


async def test_publishes_what_is_committed_in_chained_batches() -> None:
    log, bus, head = Log(), AsyncioEventBus(), Head()
    relay = Relay(log, bus, head)
    with bus.subscribe() as batches:
        async with running(relay):
            for count in (1, 2, 3):
                log.happen(count)
                relay.wake()
                batch = await batches.next()
                assert len(batch.events) == count
                assert head.position == batch.last
    assert span(batch) == (3, 6)


async def test_starts_where_it_is_told() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(5)
    relay = Relay(log, bus, Head())
    with bus.subscribe() as batches:
        async with running(relay, start=3):
            relay.wake()
            assert span(await batches.next()) == (3, 5)


async def test_tells_of_every_event_that_it_publishes() -> None:
    log, bus, told = Log(), AsyncioEventBus(), list[RecordedEvent]()
    relay = Relay(log, bus, Head(), published=told.extend)
    with bus.subscribe() as batches:
        async with running(relay):
            for _ in range(2):
                log.happen(2)
                relay.wake()
                await batches.next()
    assert told == log.history.events


def appended(log: Log, count: int) -> Appended:
    """What a commit hands over that has put so many events at the end of the log."""
    before = log.history.events[-1:]
    log.happen(count)
    events = log.history.events[-count:]
    after = before[0].event_id if before else None
    return Appended(after=after, last=len(log.history.events), count=count, events=lambda: events)


async def test_what_is_handed_over_is_published_without_being_read() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(1)
    relay = Relay(log, bus, Head(), backstop=1_000)
    with bus.subscribe() as batches:
        async with running(relay, start=0):
            relay.wake()
            assert span(await batches.next()) == (0, 1)
            log.was_read.clear()
            relay.hand_over(appended(log, 2))
            relay.hand_over(appended(log, 1))
            assert span(await batches.next()) == (1, 4)
            assert not log.was_read.is_set()


async def test_what_others_have_written_before_is_read_and_nothing_is_published_twice() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(1)
    relay = Relay(log, bus, Head(), backstop=1_000)
    with bus.subscribe() as batches:
        async with running(relay):
            relay.wake()
            await batches.next()
            log.happen(1)
            relay.hand_over(appended(log, 1))
            relay.hand_over(appended(log, 1))
            assert span(await batches.next()) == (1, 4)
            relay.hand_over(appended(log, 1))
            assert span(await batches.next()) == (4, 5)


@pytest.mark.parametrize("count", [BATCH + 1, 2 * BATCH])
async def test_a_large_commit_is_read_in_batches(count: int) -> None:
    log, bus, published = Log(), AsyncioEventBus(), list[RecordedEvent]()
    log.happen(1)
    relay = Relay(log, bus, Head(), backstop=1_000, published=published.extend)
    with bus.subscribe() as batches:
        async with running(relay):
            relay.wake()
            await batches.next()
            relay.hand_over(appended(log, count))
            while len(published) <= count:
                await batches.next()
    assert published == log.history.events


async def test_what_is_handed_over_after_the_log_was_set_back_is_not_published_before_that_is_told() -> None:
    log, bus, told = Log(), AsyncioEventBus(), asyncio.Event()
    log.happen(3)
    relay = Relay(log, bus, Head(), set_back=told.set, backstop=1_000)
    with bus.subscribe() as batches:
        async with running(relay, start=3):
            relay.wake()
            await log.was_read.wait()
            log.history.events[2] = replace(log.history.events[2], event_id=uuid4())
            relay.hand_over(appended(log, 1))
            await told.wait()
            relay.hand_over(appended(log, 1))
            assert span(await batches.next()) == (4, 5)


async def test_finds_by_itself_what_nobody_told_it_of() -> None:
    log, bus = Log(), AsyncioEventBus()
    relay = Relay(log, bus, Head(), backstop=0.01)
    with bus.subscribe() as batches:
        async with running(relay):
            log.happen(1)
            assert span(await batches.next()) == (0, 1)


async def test_a_log_that_fails_is_read_again() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(1)
    log.failures = 2
    relay = Relay(log, bus, Head(), backstop=0.01)
    with bus.subscribe() as batches:
        async with running(relay):
            relay.wake()
            assert span(await batches.next()) == (0, 1)


async def test_a_slow_subscriber_loses_batches_and_can_see_it_in_the_chain() -> None:
    log, bus = Log(), AsyncioEventBus(capacity=2)
    log.happen(4)
    with bus.subscribe() as slow:
        for position, event in enumerate(log.history.events):
            await bus.publish(EventBatch(after=position, events=[event]))
        assert span(await slow.next()) == (2, 4)


async def test_what_arrives_together_is_one_batch_but_never_across_a_gap() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(5)
    events = log.history.events
    with bus.subscribe() as batches:
        await bus.publish(EventBatch(after=0, events=events[:1]))
        await bus.publish(EventBatch(after=1, events=events[1:3]))
        await bus.publish(EventBatch(after=4, events=events[4:]))
        assert [span(await batches.next()) for _ in range(2)] == [(0, 3), (4, 5)]


async def test_a_log_that_was_set_back_is_told_of_before_anything_else_is_published() -> None:
    log, bus, head = Log(), AsyncioEventBus(), Head()
    log.happen(3)
    head.rise(3, log.history.events[-1].occurred_at)
    history = History(log)
    history.note(log.history.events)
    told = asyncio.Event()
    relay = Relay(log, bus, head, history=history, set_back=told.set, backstop=0.01)
    with bus.subscribe() as batches:
        async with running(relay, start=3):
            relay.wake()
            await log.was_read.wait()
            lost = log.history.events[2]
            log.history = Shop()
            log.happen(5)
            log.history.events = [replace(event, event_id=uuid4()) for event in log.history.events]
            await told.wait()
            assert head.position == 5
            assert history.tag_at(3) is None, "what was known of the lost future is forgotten"
            assert not await history.has(3, tag_of(lost.event_id))
            log.happen(1)
            assert span(await batches.next()) == (5, 6)


async def test_a_log_that_was_emptied_is_told_of() -> None:
    log, bus, head = Log(), AsyncioEventBus(), Head()
    log.happen(1)
    told = asyncio.Event()
    relay = Relay(log, bus, head, set_back=told.set, backstop=0.01)
    async with running(relay, start=1):
        await log.was_read.wait()
        log.history = Shop()
        await told.wait()
    assert head.position == 0


async def test_a_log_that_was_set_back_before_the_first_look_is_told_of() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(3)
    last, told = log.history.events[-1], asyncio.Event()
    log.history.events[-1] = replace(last, event_id=uuid4())
    relay = Relay(log, bus, Head(), set_back=told.set, backstop=0.01)
    task = asyncio.create_task(relay.run(3, last))
    await told.wait()
    task.cancel()
    await asyncio.wait([task])


async def test_after_a_log_was_set_back_tokens_name_the_event_at_its_head() -> None:
    log, bus = Log(), AsyncioEventBus()
    log.happen(3)
    history, told = History(log), asyncio.Event()
    relay = Relay(log, bus, Head(), history=history, set_back=told.set, backstop=0.01)
    async with running(relay, start=3):
        await log.was_read.wait()
        del log.history.events[2:]
        await told.wait()
        assert history.tag_at(2) == tag_of(log.history.events[1].event_id)
        assert history.newest == 2


async def test_a_log_that_fails_just_as_it_was_set_back_is_read_again() -> None:
    log, bus, told = Log(), AsyncioEventBus(), asyncio.Event()
    log.happen(3)
    relay = Relay(log, bus, Head(), set_back=told.set, backstop=0.01)
    async with running(relay, start=3):
        await log.was_read.wait()
        log.heads_to_fail = 2
        del log.history.events[2:]
        await told.wait()
        assert log.heads_to_fail == 0
