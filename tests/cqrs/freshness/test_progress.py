import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.log.head import Head


def progress(*, head: int = 0) -> Progress:
    return Progress("orders", Head(head, datetime.now(UTC)))


async def test_a_wait_for_what_is_reached_returns_at_once() -> None:
    orders = progress()
    orders.reached(5)
    await orders.wait_for(5, seconds=0)


async def test_a_wait_is_woken_when_its_position_is_reached_and_not_before() -> None:
    orders = progress()
    waits = [asyncio.create_task(orders.wait_for(position, seconds=20)) for position in (3, 1, 2)]
    await asyncio.sleep(0)
    orders.reached(2)
    await asyncio.wait(waits[1:])
    assert [wait.done() for wait in waits] == [False, True, True]
    orders.reached(7)
    await waits[0]


async def test_a_wait_that_takes_too_long_says_what_was_reached() -> None:
    orders = progress(head=9)
    orders.reached(4)
    with pytest.raises(ReadModelBehind, match=r"position 4, not 9 yet") as behind:
        await orders.wait_for(9, seconds=0)
    assert behind.value.wanted == 9
    assert behind.value.freshness.events_behind == 5


async def test_a_wait_that_was_given_up_is_forgotten() -> None:
    orders = progress()
    for _ in range(3):
        with pytest.raises(ReadModelBehind):
            await orders.wait_for(9, seconds=0)
    gone = asyncio.create_task(orders.wait_for(9, seconds=20))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert not orders._waiting


async def test_a_crowd_that_gives_up_costs_each_waiter_the_same() -> None:
    looked_at = 0

    class Waiting(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            nonlocal looked_at
            looked_at += len(self)
            return super().__iter__()

    class Counted(Progress):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, Waiting(value) if name == "_waiting" else value)

    orders = Counted("orders", Head())
    crowd = [asyncio.create_task(orders.wait_for(9, seconds=20)) for _ in range(1_000)]
    await asyncio.sleep(0)
    for waiter in crowd:
        waiter.cancel()
    await asyncio.wait(crowd)
    assert 0 < looked_at <= 2 * len(crowd)
    assert not orders._waiting


async def test_who_stays_when_a_crowd_gives_up_is_woken() -> None:
    orders = progress()
    crowd = [asyncio.create_task(orders.wait_for(position, seconds=20)) for position in range(1, 101)]
    await asyncio.sleep(0)
    stays = crowd[::10]
    gone = [waiter for waiter in crowd if waiter not in stays]
    for waiter in gone:
        waiter.cancel()
    await asyncio.wait(gone)
    orders.reached(50)
    await asyncio.wait(stays[:5])
    assert [waiter.done() for waiter in stays] == [True] * 5 + [False] * 5
    orders.reached(100)
    await asyncio.gather(*stays)


async def test_who_waits_is_told_at_once_that_the_read_model_failed() -> None:
    orders = progress()
    wait = asyncio.create_task(orders.wait_for(1, seconds=20))
    await asyncio.sleep(0)
    orders.failed("OrderPlaced at position 1: ValueError: no")
    with pytest.raises(ReadModelBehind, match="no"):
        await wait
    with pytest.raises(ReadModelBehind, match="no"):
        await orders.wait_for(1, seconds=20)
    assert orders.freshness().state is ReadModelState.FAILED


async def test_who_asks_for_less_than_a_failed_read_model_has_is_answered() -> None:
    orders = progress(head=3)
    orders.reached(2)
    orders.failed("OrderPlaced at position 3: ValueError: no")
    await orders.wait_for(2, seconds=0)


async def test_who_waits_after_a_failure_was_mended_is_woken_as_ever() -> None:
    orders = progress()
    orders.failed("OrderPlaced at position 1: ValueError: no")
    orders.catching_up()
    wait = asyncio.create_task(orders.wait_for(1, seconds=20))
    await asyncio.sleep(0)
    orders.reached(1)
    await wait
    orders.live()
    assert (orders.freshness().state, orders.freshness().reason) == (ReadModelState.LIVE, None)


async def test_who_waits_until_it_is_live_is_woken_then_and_not_before() -> None:
    orders = progress()
    orders.live()
    await orders.until_live()
    orders.failed("OrderPlaced at position 1: ValueError: no")
    wait = asyncio.create_task(orders.until_live())
    for position, be in enumerate((orders.catching_up, orders.live)):
        assert not wait.done()
        be()
        orders.reached(position)
        await asyncio.sleep(0)
    await wait


def test_is_not_behind_when_all_is_applied() -> None:
    orders = progress(head=3)
    orders.reached(3)
    fresh = orders.freshness()
    assert (fresh.events_behind, fresh.milliseconds_behind) == (0, 0)


def test_is_behind_by_the_age_of_the_oldest_event_that_is_not_applied() -> None:
    orders = progress(head=3)
    orders.reached(1)
    orders.pending(datetime.now(UTC) - timedelta(seconds=5))
    fresh = orders.freshness()
    assert fresh.events_behind == 2
    assert 5000 <= fresh.milliseconds_behind < 65_000


def test_a_head_never_goes_back() -> None:
    head, now = Head(), datetime.now(UTC)
    head.rise(5, now)
    head.rise(3, now + timedelta(days=1))
    assert (head.position, head.at) == (5, now)


async def test_what_was_refused_is_not_visible() -> None:
    orders = progress(head=9)
    orders.reached(4)
    orders.applying(9)
    assert orders.visible == 9
    orders.not_applied()
    assert orders.visible == 4


async def test_while_documents_are_doubted_no_token_is_satisfied() -> None:
    orders = progress(head=4)
    orders.reached(4)
    orders.live()
    orders.doubt()
    assert orders.freshness().state is ReadModelState.CATCHING_UP
    wait = asyncio.create_task(orders.wait_for(4, seconds=20))
    await asyncio.sleep(0)
    orders.reached(4)
    await asyncio.sleep(0)
    assert not wait.done(), "what is reached is not yet what is there"
    await orders.wait_for(0, seconds=0)
    orders.trust()
    await wait


def test_a_head_is_set_back_where_it_is_told_to_be() -> None:
    head = Head()
    head.rise(5, datetime.now(UTC))
    head.set_back(3)
    assert head.position == 3
