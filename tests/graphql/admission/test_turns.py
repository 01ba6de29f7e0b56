"""An operation whose pages are all ready at once gives way to others between them."""

import asyncio
from typing import cast

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from app.cqrs.viewers import Sight
from app.graphql.admission import turns
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves
from schema.circle.scalars import read_field
from tests.graphql.rounds import Others

PAGES, ITEMS = 60, 1_500


@strawberry.type
class Item:
    name: str
    number: int


ITEM = {"name": "item", "number": 1}


@strawberry.type
class Query:
    @strawberry.field
    async def page(self) -> list[Item] | None:
        await asyncio.sleep(0)
        return cast("list[Item]", [ITEM] * ITEMS)


schema = strawberry.Schema(Query, config=StrawberryConfig(default_resolver=read_field))


async def pages() -> CompiledOperation:
    selected = " ".join(f"a{i}: page {{ name number }}" for i in range(PAGES))
    return await CompiledOperation.create(schema, Leaves(), f"{{ {selected} }}", None)


async def executed() -> Others:
    operation = await pages()
    await operation.execute(None, None, sight=Sight.OPERATOR)  # which compiles it
    others = Others()
    result = await operation.execute(None, None, yields=True, sight=Sight.OPERATOR)
    others.stop()
    assert result.errors is None
    assert result.data == {f"a{i}": [ITEM] * ITEMS for i in range(PAGES)}
    return others


async def test_every_page_waits_for_others_where_there_is_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    assert (await executed()).rounds >= PAGES


async def test_pages_share_a_round_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 3600.0)
    monkeypatch.setattr(turns, "LONG_ROUND", 3600.0)
    assert (await executed()).rounds < 10


async def test_others_wait_for_little_more_than_a_slice() -> None:
    # The shortest of several: time that the machine gives to others can count as the process's own.
    assert min([(await executed()).longest for _ in range(5)]) < 0.05


async def test_an_operation_that_is_cancelled_while_it_waits_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operation = await pages()
    await operation.execute(None, None, sight=Sight.OPERATOR)
    monkeypatch.setattr(turns, "SLICE", 0.0)
    first = asyncio.create_task(operation.execute(None, None, yields=True, sight=Sight.OPERATOR))
    for _round in range(5):
        await asyncio.sleep(0)
    assert turns.turns._waiting
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(20):
        await executed()


async def test_steps_that_take_no_time_share_a_round_after_they_have_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = Others()
    taken: list[int] = []

    async def step(number: int) -> None:
        await turns.turns.next()
        taken.append(number)

    monkeypatch.setattr(turns, "SLICE", 3600.0)
    monkeypatch.setattr(turns, "LONG_ROUND", 3600.0)
    async with asyncio.timeout(20), asyncio.TaskGroup() as steps:
        for number in range(3 * turns.MOST_CALLED):
            steps.create_task(step(number))
    others.stop()
    assert taken == [*range(3 * turns.MOST_CALLED)]
    assert others.rounds < 20


async def test_steps_keep_their_order_where_a_round_has_time_for_one_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[int] = []

    async def step(number: int) -> None:
        await turns.turns.next()
        taken.append(number)

    monkeypatch.setattr(turns, "SLICE", 0.0)
    others = Others()
    async with asyncio.timeout(20), asyncio.TaskGroup() as steps:
        for number in range(2 * turns.MOST_CALLED):
            steps.create_task(step(number))
    others.stop()
    assert taken == [*range(2 * turns.MOST_CALLED)]
    assert others.rounds >= 2 * turns.MOST_CALLED


class Steps:
    """Long operations, whose steps take some seconds of a clock that only they move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.taken, self._now, self._seconds = 0, 1.0, seconds
        self._tasks: list[asyncio.Task[None]] = []
        monkeypatch.setattr(turns, "perf_counter", lambda: self._now)

    async def take(self, number: int) -> None:
        with turns.turns.operation():
            for _ in range(number):
                await turns.turns.take()
                self.taken += 1
                self._now += self._seconds

    async def take_apart(self) -> None:
        """Take two steps, with other rounds between."""
        with turns.turns.operation():
            for _ in range(2):
                await turns.turns.take()
                self._now += self._seconds
                await rounds(10)

    async def begin(self, operations: int) -> None:
        """Start so many endless operations, each of which has waited for a turn."""
        self._tasks = [asyncio.create_task(self.take(10**9)) for _ in range(operations)]
        while self.taken < 2 * operations:  # noqa: ASYNC110 - It counts rounds, and nothing tells of them.
            await asyncio.sleep(0)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def rounds(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_short_operation_waits_for_one_step_however_many_long_operations_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "LONG_ROUND", 1e9)
    monkeypatch.setattr(turns, "LONGEST_REST", 3600.0)
    steps = Steps(monkeypatch, seconds=1_000.0)
    await steps.begin(operations=20)
    before = steps.taken
    await rounds(50)
    assert steps.taken > before + 20, "long operations rest though nobody else is there"
    with turns.turns.operation():
        before = steps.taken
        await rounds(50)
        assert steps.taken <= before + 2
    await rounds(50)
    assert steps.taken > before + 20, "the rest goes on though nobody else is there any more"
    await steps.end()


async def test_long_operations_go_on_after_a_rest_even_if_short_ones_never_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = Steps(monkeypatch, seconds=0.006)
    with turns.turns.operation():
        async with asyncio.timeout(20):
            await steps.begin(operations=5)
    await steps.end()


async def test_a_new_long_operation_waits_for_the_end_of_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONG_ROUND", 1e9)
    monkeypatch.setattr(turns, "LONGEST_REST", 3600.0)
    steps = Steps(monkeypatch, seconds=1_000.0)
    with turns.turns.operation():
        await steps.take(1)
        another = asyncio.create_task(steps.take(1))
        await rounds(50)
        assert steps.taken == 1
    async with asyncio.timeout(20):
        await another


async def test_an_operation_does_not_rest_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONG_ROUND", 1e9)
    monkeypatch.setattr(turns, "LONGEST_REST", 3600.0)
    async with asyncio.timeout(20):
        await Steps(monkeypatch, seconds=1_000.0).take_apart()
