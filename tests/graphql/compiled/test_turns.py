"""An operation whose pages are all ready at once gives way to others between them."""

import asyncio
import time
from typing import cast

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graphql.compiled import turns
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves
from schema.circle.scalars import read_field

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


class Others:
    """Something else that runs in every round of the loop, and notes how long it had to wait."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = time.thread_time()
        self.rounds = 0
        self.longest = 0.0
        self._handle = self._loop.call_soon(self._run)

    def _run(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now
        self.rounds += 1
        self._handle = self._loop.call_soon(self._run)

    def stop(self) -> None:
        self._handle.cancel()


def pages() -> CompiledOperation:
    selected = " ".join(f"a{i}: page {{ name number }}" for i in range(PAGES))
    return CompiledOperation(schema, Leaves(), f"{{ {selected} }}", None)


async def executed() -> Others:
    operation = pages()
    await operation.execute(None, None)  # which compiles it
    others = Others()
    result = await operation.execute(None, None, gives_way=True)
    others.stop()
    assert result.errors is None
    assert result.data == {f"a{i}": [ITEM] * ITEMS for i in range(PAGES)}
    return others


async def test_every_page_waits_for_others_where_there_is_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    assert (await executed()).rounds >= PAGES


async def test_pages_share_a_round_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 3600.0)
    assert (await executed()).rounds < 10


async def test_others_wait_for_little_more_than_a_slice() -> None:
    assert (await executed()).longest < 0.05


async def test_an_operation_that_is_cancelled_while_it_waits_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    first = asyncio.create_task(pages().execute(None, None, gives_way=True))
    for _round in range(5):
        await asyncio.sleep(0)
    assert turns.turns._waiting
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(20):
        await executed()
