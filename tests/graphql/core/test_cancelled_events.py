"""A client may leave while an item is made for it. Steps that have not begun are dropped without a word."""

import asyncio
import gc
import re
import tomllib
import warnings
from collections.abc import AsyncIterator

import graphql
import pytest
import strawberry

from app.graphql.admission.turns import turns
from app.graphql.core.yielding_executor import YieldingExecutor
from app.server.logs import DROPPED

TURNS = range(1, 12)
"""Turns of the loop after which the client leaves: each field, list and item begins in a turn of its own."""


@strawberry.type
class Line:
    @strawberry.field
    async def name(self) -> str:
        await asyncio.sleep(0)
        return "Tea"


@strawberry.type
class Order:
    @strawberry.field
    async def lines(self) -> list[Line]:
        await asyncio.sleep(0)
        return [Line(), Line()]


@strawberry.type
class Query:
    @strawberry.field
    async def orders(self) -> list[Order]:
        await asyncio.sleep(0)
        return [Order(), Order()]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def query(self) -> AsyncIterator[Query]:
        yield Query()


schema = strawberry.Schema(Query, subscription=Subscription, execution_context_class=YieldingExecutor)


async def warned_when_cancelled() -> list[str]:
    """The warnings about steps that are dropped with items, each so many turns after it was begun."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        for count in TURNS:
            items = await schema.stream("subscription { query { orders { lines { name } } } }")
            making = asyncio.ensure_future(anext(items))
            for _ in range(count):
                await asyncio.sleep(0)
            making.cancel()
            await asyncio.wait([making])
            await items.aclose()
        del making  # Its error refers to all that ran.
        gc.collect()
    return [str(each.message) for each in noted]


async def test_steps_that_are_dropped_with_a_cancelled_item_are_not_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once nothing is dropped, the library has mended it, and `DROPPED` can go."""
    monkeypatch.setattr(turns, "over", lambda: False)
    warned = await warned_when_cancelled()
    assert warned, f"graphql-core {graphql.version} awaits or closes all that it makes"
    assert [each for each in warned if not re.match(DROPPED, each)] == []


async def test_an_item_that_waits_for_its_turn_is_dropped_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "over", lambda: True)
    assert [each for each in await warned_when_cancelled() if not re.match(DROPPED, each)] == []


def test_the_tests_pass_over_the_same_warnings_as_the_log() -> None:
    with open("pyproject.toml", "rb") as file:
        ignored = tomllib.load(file)["tool"]["pytest"]["ini_options"]["filterwarnings"]
    assert ignored == ["error", f"ignore:{DROPPED}:RuntimeWarning"]
