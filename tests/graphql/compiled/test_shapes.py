"""The source that is compiled for an operation has each function once."""

from app.cqrs.viewers import Sight
from app.graphql.compiled.operations import CompiledOperation
from app.graphql.compiled.plans import Plan
from app.graphql.compiled.shapes import Leaves
from schema.root import schema

FACETS = "products(first: 1) { facets { categories { category count } } nodes { ... on Node { id } name } }"


async def plan(aliases: int) -> Plan:
    text = "{" + " ".join(f"a{number}: {FACETS}" for number in range(aliases)) + "}"
    operation = await CompiledOperation.create(schema, Leaves(), text, None)
    return await operation._plan(operation._variables.coerced({}), Sight.OPERATOR)


async def test_what_is_selected_under_many_aliases_is_compiled_once() -> None:
    one, many = await plan(1), await plan(50)
    assert 0 < one.size == many.size
