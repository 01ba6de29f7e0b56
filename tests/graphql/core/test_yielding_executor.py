"""What graphql-core executes lets others have the event loop between the items of a list."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry
from graphql import get_introspection_query

from app.graphql.admission import turns
from app.graphql.core.yielding_executor import YieldingExecutor
from schema.root import schema as shops_schema
from tests.graphql.rounds import Others

ITEMS = 3_000


@strawberry.type
class Line:
    number: int

    @strawberry.field
    def problem(self) -> str:
        if self.number == ITEMS - 1:
            raise ValueError("the last one")
        return "none"


def lines() -> list[Line]:
    return [Line(number=number) for number in range(ITEMS)]


@strawberry.type
class Query:
    @strawberry.field
    def lines(self) -> list[Line | None]:
        return [*lines()]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> list[Line]:
        return lines()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def changes(self) -> AsyncIterator[list[Line]]:
        yield lines()


schema = strawberry.Schema(Query, Mutation, Subscription, execution_context_class=YieldingExecutor)
ALL = [{"number": number} for number in range(ITEMS)]


async def changes() -> Any:
    [result] = [each async for each in await schema.stream("subscription { changes { number } }")]
    return result


@pytest.mark.parametrize("operation", ["{ lines { number } }", "mutation { lines: change { number } }", ""])
async def test_a_long_list_is_the_same_and_others_run_meanwhile(
    monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    others = Others()
    result: Any = await (schema.execute(operation) if operation else changes())
    others.stop()
    assert result.errors is None
    assert next(iter(result.data.values())) == ALL
    assert others.rounds >= ITEMS


async def test_a_list_that_takes_no_time_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 3600.0)
    monkeypatch.setattr(turns, "LONG_ROUND", 3600.0)
    others = Others()
    await schema.execute("{ lines { number } }")
    others.stop()
    assert others.rounds < 20


async def test_an_item_that_fails_in_its_turn_is_null_and_located(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    result = await schema.execute("{ lines { problem } }")
    assert result.errors
    assert [error.path for error in result.errors] == [["lines", ITEMS - 1, "problem"]]
    assert result.data == {"lines": [{"problem": "none"}] * (ITEMS - 1) + [None]}


async def test_nobody_waits_long_for_who_reads_the_whole_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    assert shops_schema.execution_context_class is YieldingExecutor
    plain = strawberry.Schema(Query, execution_context_class=YieldingExecutor)
    others = Others()
    result = await plain.execute(get_introspection_query())
    others.stop()
    assert result.data
    assert others.rounds >= len(result.data["__schema"]["types"])
