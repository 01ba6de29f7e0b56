"""What is executed is freed at its end, also while the garbage collector does not run."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from weakref import ref

import graphql
import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    build_schema,
    parse,
)
from graphql.execution import Executor

from app.cqrs.viewers import OPEN, Sight
from app.graphql.admission.documents import documents
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves
from app.graphql.core.async_helpers import use_weak_helpers
from app.graphql.core.collected_fields import EventExecutor
from app.graphql.execution.context import Context
from schema.root import schema
from tests.inprocess import Service

CORE = build_schema("type Query { name: String }")


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def freed_at_its_end(kind: type[Executor[Any]]) -> bool:
    built = kind.build(CORE, parse("{ name }"), {"name": "Tea"})
    assert isinstance(built, Executor), built
    built.execute_operation()
    there = ref(built)
    with without_collector():
        del built
        return there() is None


def test_an_executor_is_freed_at_its_end() -> None:
    assert freed_at_its_end(EventExecutor)


def test_the_library_leaves_its_executors_to_the_collector() -> None:
    """Once this fails, the library has mended it, and `use_weak_helpers` can go."""
    assert not freed_at_its_end(Executor), f"graphql-core {graphql.version} frees its executors"


async def test_a_compiled_operation_is_freed_with_its_document_once_it_is_dropped() -> None:
    text = "query ($id: ID!) { product(id: $id) { id name price { amount } } }"
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    await operation._plan(operation._variables.coerced({"id": "x"}), Sight.OPERATOR)
    documents.kept.drop(text)
    there = ref(operation._parsed.operation)
    with without_collector():
        del operation
        assert there() is None


async def test_resolvers_can_still_have_an_executor_wait_for_several_things() -> None:
    async def is_tea(value: Any, _info: Any) -> bool:
        await asyncio.sleep(0)
        return bool(value.name == "Tea")

    async def is_coffee(value: Any, _info: Any) -> bool:
        await asyncio.sleep(0)
        return bool(value.name == "Coffee")

    drink = GraphQLInterfaceType("Drink", {"name": GraphQLField(GraphQLString)})
    kinds = [
        GraphQLObjectType(name, {"name": GraphQLField(GraphQLString)}, [drink], is_type_of=is_type_of)
        for name, is_type_of in (("Tea", is_tea), ("Coffee", is_coffee))
    ]
    query = GraphQLObjectType("Query", {"drink": GraphQLField(drink)})
    built = Executor.build(
        GraphQLSchema(query, types=kinds),
        parse("{ drink { __typename } }"),
        {"drink": SimpleNamespace(name="Coffee")},
    )
    assert isinstance(built, Executor), built
    use_weak_helpers(built)
    result: Any = built.execute_operation()
    assert getattr(await result, "data", None) == {"drink": {"__typename": "Coffee"}}


@pytest.mark.parametrize(
    "text",
    [
        "{" + " ".join(f"a{n}: __typename" for n in range(300)) + " ...f" * 900 + "} fragment f on Query {"
        " a: __typename b: __typename }",
        "{" + " ".join(f"a{n}: products(first: 100) {{ nodes {{ name }} }}" for n in range(100)) + "}",
        '{ product(id: "x") { name } }',
    ],
    ids=["too large", "too costly", "a resolver's refusal"],
)
async def test_an_operation_that_is_refused_is_freed_with_its_document(service: Service, text: str) -> None:
    await schema.execute(
        text, context_value=Context(service.circle, OPEN)
    )  # What validation leaves is no part of it.
    with without_collector():
        result = await schema.execute(text, context_value=Context(service.circle, OPEN))
        assert result.errors
        known = documents.kept.get(text)
        assert known
        there = ref(known.document)
        documents.kept.drop(text)
        del known, result
        assert there() is None
