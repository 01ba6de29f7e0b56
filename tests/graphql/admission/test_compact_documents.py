"""A document that is kept has few objects, and says as much as the complete one."""

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar
from weakref import ref

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    Location,
    Node,
    Source,
    Token,
    parse,
    print_ast,
    validate,
)
from strawberry.extensions import SchemaExtension

from app.graphql.admission.compact_documents import compact_document, known_of, with_known
from app.graphql.admission.documents import Documents
from app.graphql.admission.documents import documents as kept_by_the_service
from app.graphql.admission.limits import MOST_TOKENS, Limits
from app.graphql.admission.validation import RULES
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.schema.client import Client

ORDERS = "\n".join(
    f'a{n}: orders(first: $f, filter: {{placedFrom: "{n}"}}) @skip(if: $no) {{ nodes {{ lines {{ sku }} }} }}'
    for n in range(90)
)
PAGES = (
    f"query Pages($f: Int = 3, $no: Boolean!) {{ {ORDERS} ...F }} fragment F on Query {{ __typename }} # it"
)
LISTS = "query { products(filter: { categories: [" + ' "a", "b"' * 400 + "] }) { totalCount } }"
FIELDS = "{" + " ".join(f"f{number}" for number in range(1_000)) + "}"
BLOCK = '{ product(id: """\n  an id\n""") { id } other: product(id: "an id") { id } }'
TEXTS = [PAGES, LISTS, FIELDS, BLOCK]


def objects_in(document: DocumentNode) -> list[Any]:
    """The objects that a document consists of, besides texts and numbers."""
    found, waiting = dict[int, Any](), [document]
    while waiting:
        each: Any = waiting.pop()
        if isinstance(each, Node | Location | Token | Source | tuple) and each and id(each) not in found:
            found[id(each)] = each
            waiting += gc.get_referents(each)
    return list(found.values())


def compact(text: str) -> DocumentNode:
    return compact_document(with_known(parse(text)))


@pytest.mark.parametrize("text", TEXTS)
def test_a_compact_document_prints_as_the_complete_one_and_keeps_what_is_known_of_its_tokens(
    text: str,
) -> None:
    complete = with_known(parse(text))
    assert print_ast(compact(text)) == print_ast(parse(text))
    assert known_of(compact(text)).tokens == known_of(complete).tokens > 0
    assert known_of(compact(text)).source.body == text


@pytest.mark.parametrize(("text", "most"), [(PAGES, 0.4), (LISTS, 0.4), (FIELDS, 0.8), (BLOCK, 0.5)])
def test_a_compact_document_has_few_objects_and_no_token(text: str, most: float) -> None:
    before, after = objects_in(parse(text)), objects_in(compact(text))
    assert len(after) < most * len(before)
    assert not any(isinstance(each, Token) for each in after)
    assert len(after) == pytest.approx(known_of(compact(text)).objects, abs=10)


@pytest.mark.parametrize("text", TEXTS)
def test_garbage_collections_leave_a_compact_document_out(text: str) -> None:
    document = compact(text)
    gc.collect()
    tracked = [each for each in objects_in(document) if gc.is_tracked(each)]
    assert len(tracked) <= 5, tracked
    nodes = [ref(each) for each in objects_in(document) if isinstance(each, FieldNode)]
    assert nodes
    del document, tracked
    assert not any(node() for node in nodes)


def test_garbage_collections_leave_the_tokens_of_a_complete_document_out() -> None:
    document = with_known(parse(FIELDS))
    tokens = [each for each in objects_in(document) if isinstance(each, Token)]
    assert len(tokens) > 1_000
    assert not any(map(gc.is_tracked, tokens))


async def test_a_document_that_is_kept_is_compact_once_it_is_validated() -> None:
    documents = Documents()
    document = await documents.parse(PAGES, max_tokens=MOST_TOKENS)
    assert await documents.validate(core_schema(schema), document, RULES)
    (kept,) = [documents.kept.get(PAGES)]
    assert kept
    assert not any(isinstance(each, Token) for each in objects_in(kept.document))


async def test_a_document_that_is_refused_for_its_size_is_kept_compact(client: Client) -> None:
    text = "{" + " ...F" * 900 + "} fragment F on Query { a: __typename b: __typename }"
    assert (await client.send(text)).codes == ["LIMIT_EXCEEDED"]
    kept = kept_by_the_service.kept.get(text)
    assert kept
    assert not any(isinstance(each, Token) for each in objects_in(kept.document))


async def test_a_text_with_faults_has_the_same_answer_each_time(client: Client) -> None:
    text = """query ($a: Int) {
        product(id: 1.5) { id nothing }
        products(first: $b) { totalCount }
    }"""
    first, *others = [(await client.send(text)).body["errors"] for _ in range(4)]
    expected = validate(core_schema(schema), parse(text), RULES)
    assert len(expected) == 4
    assert sorted([error["locations"] for error in first], key=repr) == sorted(
        [fault.formatted["locations"] for fault in expected], key=repr
    )
    assert others == [first] * 3


@pytest.mark.parametrize(
    ("text", "variables", "lines"),
    [
        ("query ($first: Int) {\n\n a: products(first: $first) { totalCount } }", {"first": "x"}, [1]),
        ("query ($first: Int) {\n\n a: products(first: $first) { totalCount } }", {"first": -1}, [3]),
        ("{ products(first: 1) {\n totalCount }\n p: products(first: 900) { nodes { id } } }", {}, [3]),
        ("query ($d: Decimal!) {\n products(filter: {\n priceFrom: $d}) { totalCount } }", {"d": "x"}, [1]),
        (
            '{ products(\n atLeast: ["x"]) { totalCount }\n b: products(atLeast: "y") { totalCount } }',
            {},
            [1, 3],
        ),
        (
            "mutation ($i: ReceiveStockInput!) {\n receiveStock(input: $i) {\n receipt { token } } }",
            {"i": {"productId": "x", "quantity": "many"}},
            [1],
        ),
    ],
)
async def test_an_error_of_execution_has_the_same_lines_each_time(
    client: Client, text: str, variables: dict[str, Any], lines: list[int]
) -> None:
    first, *others = [(await client.send(text, variables)).body["errors"] for _ in range(4)]
    assert sorted({place["line"] for error in first for place in error["locations"]}) == lines
    assert others == [first] * 3


@strawberry.type
class Query:
    """A query that reads nothing."""

    @strawberry.field
    def name(self) -> str:
        """A name."""
        return "Tea"


class Seen(SchemaExtension):
    """Notes which documents are executed."""

    documents: ClassVar[list[DocumentNode | None]] = []

    def on_execute(self) -> Iterator[None]:
        """Note the document."""
        Seen.documents.append(self.execution_context.graphql_document)
        yield


async def test_the_document_that_is_executed_is_compact_the_first_time_too() -> None:
    shop = strawberry.Schema(Query, extensions=[Limits, Seen])
    context = SimpleNamespace(charge=lambda *_: None)
    result = await shop.execute("{ name other: name # for the first time\n}", context_value=context)
    assert result.data == {"name": "Tea", "other": "Tea"}
    [document] = Seen.documents
    assert document
    assert not known_of(document).complete


def test_every_field_has_the_place_at_which_it_begins() -> None:
    [operation] = compact("{ a\n  b: c }").definitions
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]  # type: ignore[attr-defined]
    assert [GraphQLError("", node).locations for node in fields] == [[(1, 3)], [(2, 3)]]
    assert all(isinstance(node.loc, Location) for node in fields)
