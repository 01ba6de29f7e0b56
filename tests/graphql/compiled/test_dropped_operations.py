"""A compiled operation that is dropped is freed at once: full garbage collections are far between."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import strawberry

from app.cqrs.viewers import Sight
from app.graphql.compiled.executor import Functions
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves


@dataclass
class Context:
    begun: asyncio.Event
    go_on: asyncio.Event


@strawberry.type
class Part:
    name: str

    @strawberry.field
    def length(self) -> int:
        return len(self.name)


@strawberry.type
class Query:
    @strawberry.field
    async def parts(self, names: list[str], info: strawberry.Info[Context | None]) -> list[Part]:
        if info.context:
            info.context.begun.set()
            await info.context.go_on.wait()
        return [Part(name=name) for name in names]


schema = strawberry.Schema(Query)
TEXT = "query ($names: [String!]!) { parts(names: $names) { name length } }"
NAMES = {"names": ["bolt", "nut"]}
SHOWN = {"parts": [{"name": "bolt", "length": 4}, {"name": "nut", "length": 3}]}


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def executed() -> CompiledOperation:
    operation = await CompiledOperation.create(schema, Leaves(), TEXT, None)
    assert (await operation.execute(NAMES, None, sight=Sight.OPERATOR)).data == SHOWN
    return operation


def functions_of(operation: CompiledOperation) -> Functions:
    [plan] = set(operation._plans.values())
    return plan._executor.functions


async def test_the_functions_of_an_operation_go_with_it() -> None:
    operation = await executed()
    [*fields] = functions_of(operation).values.values()
    functions = [weakref.ref(each) for each in fields]
    assert functions, "nothing was compiled"
    del fields
    with without_collector():
        del operation
        assert [each for each in functions if each()] == []


async def test_an_execution_that_is_under_way_ends_well_after_its_operation_was_dropped() -> None:
    operation = await executed()
    begun, go_on = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(operation.execute(NAMES, Context(begun, go_on), sight=Sight.OPERATOR))
    await begun.wait()
    functions = weakref.ref(functions_of(operation))
    with without_collector():
        del operation
        go_on.set()
        result = await running
    assert (result.data, result.errors) == (SHOWN, None)
    del running
    assert not functions()
