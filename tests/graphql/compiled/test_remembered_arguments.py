"""What the fields of a compiled operation remember of their arguments is counted, and has a bound."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest
import strawberry

from app.cqrs.viewers import Sight
from app.graphql.compiled.operations import MOST_BYTES_CACHED, CompiledOperation
from app.graphql.compiled.shapes import Leaves

pytestmark = pytest.mark.campaign

TIMES = 80
ALIASES = 10


@strawberry.type
class Query:
    @strawberry.field
    async def count(self, texts: list[str]) -> int:
        return len(texts)


schema = strawberry.Schema(Query)


def text(aliases: int) -> str:
    return (
        f"query ($texts: [String!]!) {{ {' '.join(f'a{n}: count(texts: $texts)' for n in range(aliases))} }}"
    )


@pytest.mark.parametrize(
    "texts",
    [
        lambda number: [f"{number}"],
        lambda number: [f"{number} {each}".rjust(100) for each in range(100)],
        lambda number: [f"{number} {each}".rjust(100, "\N{GOAT}") for each in range(100)],
    ],
    ids=["short", "long", "wide"],
)
async def test_remembered_arguments_take_no_more_than_is_counted(texts: Callable[[int], list[str]]) -> None:
    # The least of three attempts: services of other tests and threads of drivers take memory meanwhile.
    taken, counted = min([await remembered(texts) for _ in range(3)])
    assert 0 < counted <= MOST_BYTES_CACHED
    assert taken < counted + 100_000


async def remembered(texts: Callable[[int], list[str]]) -> tuple[int, int]:
    """The bytes that the arguments of 80 executions take, and those that are counted for them."""
    operation = await CompiledOperation.create(schema, Leaves(), text(ALIASES), None)
    await operation.execute({"texts": []}, None, sight=Sight.OPERATOR)
    before = operation.size
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(TIMES):
            result = await operation.execute({"texts": texts(number)}, None, sight=Sight.OPERATOR)
            assert result.data
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return taken, operation.size - before


async def test_arguments_that_come_again_are_remembered_when_others_were_too_large() -> None:
    operation = await CompiledOperation.create(schema, Leaves(), text(1), None)
    await operation.execute({"texts": ["x" * 100] * 100}, None, sight=Sight.OPERATOR)
    before = operation.size
    for _ in range(3):
        await operation.execute({"texts": ["few"]}, None, sight=Sight.OPERATOR)
    assert 0 < operation.size - before < 2_000
