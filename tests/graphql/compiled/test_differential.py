"""Compiled queries answer to the letter as graphql-core does."""

import itertools
from dataclasses import replace

import pytest

from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.graphql.compiled.comparison import Comparison
from tests.graphql.compiled.generator import Generator, Operation
from tests.graphql.compiled.shop import Quiet, keeping

pytestmark = pytest.mark.campaign


async def test_random_operations_are_answered_as_by_graphql_core(quiet: Quiet) -> None:
    circle, known = quiet
    comparison = Comparison(keeping(circle))
    for operation in itertools.islice(Generator(core_schema(schema), known, 1).operations(sets=5), 400):
        await comparison.compare(operation)
    counts = comparison.counts
    assert counts["operations"] == 2000
    assert counts["valid"] > 1400, counts
    assert counts["compiled"] > 0.9 * counts["valid"], counts
    assert counts["recalled"] > 0.75 * counts["of documents only"], counts


async def test_random_operations_of_viewers_of_every_sight_are_answered_as_by_graphql_core(
    quiet: Quiet,
) -> None:
    circle, known = quiet
    comparison = Comparison(keeping(circle), known.viewers)
    sets = 2 * len(known.viewers)
    for operation in itertools.islice(Generator(core_schema(schema), known, 2).operations(sets=sets), 200):
        await comparison.compare(operation)
    counts = comparison.counts
    assert counts["operations"] == 200 * sets
    assert counts["compiled"] > 0.9 * counts["valid"], counts
    assert counts["recalled"] > 0.3 * counts["valid"], counts
    assert counts["hidden"] > 200, counts


TWO = "{ order(id: $order, atLeast: $tokens) { id } products(first: 1) { nodes { name } } }"
BEHIND = {
    "an argument": f"query ($order: ID!, $tokens: [ConsistencyToken!]) {TWO}",
    "a nested field": "query ($id: ID!) { customer(id: $id) { name orders { totalCount } } }",
    "some of many": "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { orders { totalCount } } } }",
}


@pytest.mark.parametrize("asked", BEHIND)
@pytest.mark.parametrize("header", [True, False], ids=["with a header", "without"])
async def test_what_is_not_there_yet_is_an_error_of_its_field(quiet: Quiet, asked: str, header: bool) -> None:
    circle, known = quiet
    comparison = Comparison(replace(circle, read_patience=0.02))
    future = circle.tokens.write(10**6)
    order, customer = known.ids["Order"][0], known.ids["Customer"][0]
    variables = {"order": order, "id": customer, "ids": [customer, "bm9wZQ", order], "tokens": [future]}
    operation = Operation(BEHIND[asked], None, [variables], future if header else None)
    await comparison.compare(operation)
    assert comparison.counts["compiled"] == 1
    assert comparison.counts["compiled with errors"] == (header or asked != "a nested field")
