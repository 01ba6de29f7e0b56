"""What an operation may cost is known before it is executed: pages multiply, and so do their limits."""

import time
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLError, get_introspection_query, get_operation_ast, parse, validate

from app.graphql.admission.cost import QUERY_BUDGET, Cost
from app.graphql.admission.counting import formula, fragments_of
from app.graphql.admission.formula import Evaluation
from app.graphql.internals.strawberry import core_schema
from schema.circle.ids import global_id
from schema.root import schema
from tests.schema.client import Client
from tests.schema.shop import Shop


def cost_of(query: str, **variables: Any) -> Cost:
    """Return the cost of an operation, which must be valid."""
    document = parse(query)
    operation = get_operation_ast(document)
    assert operation
    assert validate(core_schema(schema), document) == []
    return formula(core_schema(schema), fragments_of(document), operation).cost(variables)


def queried(reads: int, nodes: int, fields: int) -> Cost:
    return Cost(commands=0, reads=reads, nodes=nodes, fields=fields)


IDS = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
FIRST = "query ($first: Int = 7) { products(first: $first) { ...p } } fragment p on ProductConnection"
IF = "query ($if: Boolean!) { __typename products(first: 3) @include(if: $if) { nodes { id } } }"

COSTS: dict[str, tuple[str, dict[str, Any], Cost]] = {
    "a product": ("{ product(id: 1) { id name } }", {}, queried(1, 1, 3)),
    "a page": ("{ products { nodes { id } } }", {}, queried(1, 20, 41)),
    "its nodes twice": (
        "{ products(first: 5) { nodes { id } edges { cursor node { id } } } }",
        {},
        queried(1, 5, 1 + 5 * 2 + 5 * 4),
    ),
    "a last page": ("{ products(last: 2) { nodes { id } } }", {}, queried(1, 2, 5)),
    "what is told once of a page": (
        "{ products(first: 50) { totalCount pageInfo { hasNextPage } } }",
        {},
        queried(2, 50, 4),
    ),
    "pages in a page": (
        "{ customers(first: 10) { nodes { orders(first: 30) { nodes { id } } } } }",
        {},
        queried(1 + 10, 10 + 300, 1 + 10 + 10 + 300 + 300),
    ),
    "a list in a document": ("{ order(id: 1) { lines { sku } } }", {}, queried(1, 1, 2 + 10)),
    "nodes": (IDS, {"ids": ["a", "b", "c"]}, queried(4, 3, 1 + 3 * 5 + 3)),
    "one node": (IDS, {"ids": "a"}, queried(2, 1, 2)),
    "a default": (FIRST + " { nodes { id } }", {}, queried(1, 7, 15)),
    "a variable": (FIRST + " { nodes { id } }", {"first": 100}, queried(1, 100, 201)),
    "null": (FIRST + " { nodes { id } }", {"first": None}, queried(1, 20, 41)),
    "more than a page may have": (FIRST + " { nodes { id } }", {"first": 10**9}, queried(1, 100, 201)),
    "less than nothing": (FIRST + " { nodes { id } }", {"first": -5}, queried(1, 0, 1)),
    "what is included": (IF, {"if": True}, queried(1, 3, 8)),
    "what is not": (IF, {"if": False}, queried(0, 0, 1)),
    "what never is": ("{ __typename products @skip(if: true) { totalCount } }", {}, queried(0, 0, 1)),
    "a filter's list": (
        "query ($f: ProductFilter) { products(filter: $f, first: 0) { totalCount } }",
        {"f": {"categories": ["a", "b"]}},
        queried(2, 0, 2 + 2 * 5),
    ),
    "best sellers": ("{ sales { bestSellers { sku } } }", {}, queried(2, 11, 2 + 10)),
    "months": ("{ sales { byMonth { orders } } }", {}, queried(2, 13, 2 + 12)),
    "customers who bought most": (
        "query ($n: Int!) { sales { byCustomer(first: $n) { orders customer { name } } } }",
        {"n": 30},
        queried(2 + 30, 1 + 30 + 30, 2 + 3 * 30),
    ),
    "a mutation": (
        "mutation ($i: PayOrderInput!) { payOrder(input: $i) { errors { code } } }",
        {"i": {"orderId": "a"}},
        Cost(commands=1, reads=0, nodes=0, fields=1 + 1 + 10, mutations=1),
    ),
    "a list of commands in a variable": (
        "mutation ($c: [CommandInput!]!) { sendCommands(input: {commands: $c})"
        " { results { errors { code } } } }",
        {"c": [{}] * 300},
        Cost(commands=300, reads=0, nodes=0, fields=1 + 5 * 300 + 300 * (1 + 1 + 10), mutations=1),
    ),
    "a list of commands within a variable": (
        "mutation ($i: SendCommandsInput!) { sendCommands(input: $i) { token results { changed { id } } } }",
        {"i": {"commands": [{}] * 30}},
        Cost(commands=30, reads=30, nodes=30, fields=1 + 5 * 30 + 1 + 30 * 3, mutations=1),
    ),
    "lists of commands in the text": (
        'mutation { a: sendCommands(input: {commands: [{payOrder: {orderId: "x"}},'
        ' {payOrder: {orderId: "y"}}]}) { token }'
        ' b: sendCommands(input: {commands: {payOrder: {orderId: "x"}}}) { token }'
        ' payOrder(input: {orderId: "x"}) { errors { code } } }',
        {},
        Cost(commands=4, reads=0, nodes=0, fields=2 * 2 + 5 * 2 + 1 + 1 + 10, mutations=3),
    ),
}


@pytest.mark.parametrize("name", COSTS)
def test_pages_and_lists_are_multiplied_along_their_path(name: str) -> None:
    query, variables, cost = COSTS[name]
    assert cost_of(query, **variables) == cost


def test_the_commands_of_several_lists_are_added_up() -> None:
    both = """mutation ($c: [CommandInput!]!) {
        a: sendCommands(input: {commands: $c}) { token } b: sendCommands(input: {commands: $c}) { token } }"""
    assert cost_of(both, c=[{}] * 250).commands == 500
    advice = r"502 commands\. The limit is 500 commands\. Send fewer commands in one request\.$"
    with pytest.raises(GraphQLError, match=advice):
        cost_of(both, c=[{}] * 251)


def test_a_fragment_is_counted_once_however_often_it_is_spread() -> None:
    chain = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(60))
    document = parse(
        f"query ($first: Int) {{ ...f0 }} {chain} "
        "fragment f60 on Query { products(first: $first) { nodes { id } } }"
    )
    operation = get_operation_ast(document)
    assert operation
    began = time.process_time()
    ready = formula(core_schema(schema), fragments_of(document), operation)
    once, _ = ready.selected.counted(Evaluation({"first": 3}))
    assert time.process_time() - began < 5  # and for ever if it were counted at each spread
    assert once.nodes == 3 * 2**60


MORE_THAN_ALLOWED = {
    "pages in pages": "{ customers(first: 100) { nodes { orders(first: 100) { nodes { id } } } } }",
    "many of them": "{"
    + " ".join(
        f"a{i}: customers(first: 100) {{ nodes {{ orders(first: 100) {{ nodes {{ id status }} }} }} }}"
        for i in range(60)
    )
    + "}",
    "the schema again and again": "{"
    + " ".join(f"a{i}: __schema {{ types {{ name fields {{ name }} }} }}" for i in range(150))
    + "}",
    "reads": "{" + " ".join(f"a{i}: products(first: 0) {{ totalCount }}" for i in range(251)) + "}",
    "commands": "mutation {"
    + " ".join(f'a{i}: payOrder(input: {{orderId: "x"}}) {{ errors {{ code }} }}' for i in range(21))
    + "}",
    "commands beside a list": "mutation { sendCommands(input: {commands: []}) { token }"
    + " ".join(f'a{i}: payOrder(input: {{orderId: "x"}}) {{ errors {{ code }} }}' for i in range(20))
    + "}",
    "a subscription": 'subscription { orderUpdated(id: "x") { order {'
    + " ".join(f"a{i}: lines {{ sku title category quantity }}" for i in range(300))
    + "} } }",
}


@pytest.mark.parametrize("name", MORE_THAN_ALLOWED)
async def test_what_costs_too_much_is_refused_with_the_numbers_whenever_it_comes(
    client: Client, name: str
) -> None:
    query = MORE_THAN_ALLOWED[name]
    bodies = []
    for _ in range(3):
        if name == "a subscription":
            async with client.subscribe(query) as subscription:
                message = await subscription.message()
                assert message["type"] == "error"
                [error] = message["payload"]
        else:
            answer = await client.send(query)
            assert "data" not in answer.body
            [error] = answer.body["errors"]
        bodies.append(error)
    assert bodies[0] == bodies[1] == bodies[2]
    extensions = error["extensions"]
    assert extensions["code"] == "LIMIT_EXCEEDED"
    beyond = [name for name, asked in extensions["cost"].items() if asked > extensions["budget"][name]]
    assert beyond
    for part in beyond:
        assert f"{extensions['cost'][part]:,} {part}" in error["message"]
        assert f"{extensions['budget'][part]:,} {part}" in error["message"]
    assert ("Send fewer commands in one request." in error["message"]) is ("commands" in name)
    assert ("Ask for smaller pages" in error["message"]) is ("commands" not in name)
    assert ("sendCommands takes up to 500 in a list." in error["message"]) is ("mutations" in beyond)


async def test_everything_that_may_be_asked_of_one_page_is_within_the_budget(client: Client) -> None:
    query = """{ customers(first: 40) { totalCount nodes { id name lastOrder { orderId } orders(first: 40) {
        nodes { id status lines { sku title } timeline { status at } } } } } }"""
    answer = await client.send(query)
    cost = answer.body["extensions"]["cost"]
    assert cost["nodes"] == 40 + 40 * 40
    assert answer.data["customers"]["nodes"] is not None


async def test_the_whole_schema_may_be_read_once(client: Client) -> None:
    query = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    assert (await client.send(query)).data["__schema"]["types"]
    twice = query.replace("  __schema {", "  again: __schema { types { ...FullType } } __schema {")
    assert (await client.send(twice)).codes == ["LIMIT_EXCEEDED"]


async def test_a_mutation_tells_its_cost(client: Client, shop: Shop) -> None:
    product = await shop.product()
    answer = await client.send(
        "mutation ($id: ID!) { discontinueProduct(input: {productId: $id}) { errors { code } } }",
        {"id": product},
    )
    assert answer.body["extensions"]["cost"] == {"commands": 1, "reads": 0, "nodes": 0, "fields": 12}


async def test_a_large_query_is_answered_alike_at_first_sight_and_later(client: Client, shop: Shop) -> None:
    await shop.product()
    query = "{ products(first: 100) { nodes {" + " ".join(f"a{i}: name" for i in range(200)) + "} } }"
    first, second, third = [await client.send(query) for _ in range(3)]
    assert first.data["products"]["nodes"]
    assert first.body["data"] == second.body["data"] == third.body["data"]
    assert first.body["extensions"]["cost"]["fields"] <= QUERY_BUDGET.fields


async def test_each_operation_of_a_text_that_comes_again_has_its_own_cost(
    client: Client,
) -> None:
    text = """
      mutation One($input: ReceiveStockInput!) { receiveStock(input: $input) { errors { message } } }
      mutation Two($input: ReceiveStockInput!) {
        a: receiveStock(input: $input) { errors { message } }
        b: receiveStock(input: $input) { errors { message } }
      }"""
    variables = {"input": {"productId": global_id("Product", UUID(int=0)), "quantity": 1}}

    async def commands(name: str | None) -> object:
        sent = {"query": text, "variables": variables, "operationName": name}
        answer = (await client.http.post(f"{client.url}/graphql", json=sent)).json()
        return (
            answer["extensions"]["cost"]["commands"] if "data" in answer else answer["errors"][0]["message"]
        )

    ambiguous = "The document has 2 operations. Name the one to execute in operationName."
    for _ in range(2):
        assert [await commands(name) for name in ("One", "Two", None)] == [1, 2, ambiguous]
