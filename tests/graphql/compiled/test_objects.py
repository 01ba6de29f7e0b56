"""A compiled operation has few objects: each lengthens every full garbage collection."""

import gc
from typing import Any

import pytest
from graphql.execution.collect_fields import FieldDetails

from app.cqrs.viewers import Sight
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.shapes import Leaves
from schema.root import schema

pytestmark = pytest.mark.campaign

OF_12_MB = 300
"""Bytes that an object counts for at least, so that all operations together have at most 40,000 objects."""

PAGES = "query ($a: Int) {%s}"
PAGE = 'a%d: products(first: $a, filter: {search: "%d"}) { nodes { id name price { amount } } }'


async def compiled(text: str) -> tuple[CompiledOperation, list[Any]]:
    """An operation with one plan, and the objects that a full garbage collection visits because of it."""
    leaves = Leaves()
    first = await CompiledOperation.create(schema, leaves, f"{text} # the first one", None)
    await first.execute({"a": -1}, None, sight=Sight.OPERATOR)
    gc.collect()
    before = gc.get_objects()  # kept, so that no new object is taken for one of them that is gone
    operation = await CompiledOperation.create(schema, leaves, text, None)
    await operation.execute({"a": -1}, None, sight=Sight.OPERATOR)
    gc.collect()
    return operation, new_objects_of(operation, {id(before), *map(id, before)})


def new_objects_of(holder: Any, before: set[int]) -> list[Any]:
    """The objects that one holds and that were not there before; threads of drivers make others meanwhile."""
    found, left = {id(holder): holder}, [holder]
    while left:
        for each in gc.get_referents(left.pop()):
            if gc.is_tracked(each) and id(each) not in before and id(each) not in found:
                found[id(each)] = each
                left.append(each)
    return list(found.values())


@pytest.mark.parametrize(("pages", "most"), [(1, 150), (50, 1_100)])
async def test_a_compiled_operation_has_few_objects_and_counts_them(pages: int, most: int) -> None:
    text = PAGES % " ".join(PAGE % (number, number) for number in range(pages))
    operation, objects = await compiled(text)
    assert len(objects) < most
    assert len(objects) * OF_12_MB < operation.size


async def test_what_compiled_functions_show_is_not_collected_for_the_executor() -> None:
    _, objects = await compiled(PAGES % PAGE % (1, 1))
    assert sum(isinstance(each, FieldDetails) for each in objects) == 1
