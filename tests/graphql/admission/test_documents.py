"""Texts are parsed and validated once, and the memory they take is counted."""

import asyncio
import gc
import tracemalloc
from typing import Any
from weakref import ref

import pytest
from graphql import GraphQLError, get_operation_ast, parse, validate
from graphql.validation.validate import ValidationAbortedError

from app.graphql.admission import documents as module
from app.graphql.admission import turns
from app.graphql.admission.compact_documents import known_of, with_known
from app.graphql.admission.counting import formula, fragments_of
from app.graphql.admission.documents import LARGE, Documents
from app.graphql.admission.limits import MOST_TOKENS
from app.graphql.admission.validation import MOST_ERRORS, RULES, errors_in_slices
from app.graphql.internals.strawberry import core_schema
from schema.root import schema
from tests.graphql.rounds import Others

PRODUCTS = "query Q%d { products(first: 2) { nodes { id name price { amount } } } }"
ALIASES = "query Q%d { " + " ".join(f"a{alias}: __typename" for alias in range(300)) + " }"
LISTS = "query Q%d { products(filter: { categories: [" + ' ""' * 900 + "] }) { totalCount } }"
COMMENT = "{ __typename } # %d " + "x" * 50_000
WIDE = "{ __typename } # %d " + "\N{GOAT}" * 10_000
WRONG = "query Q%d { " + " ".join(f"a{alias}" for alias in range(50)) + " }"

LEFT_BY_VALIDATION = 250_000
"""Bytes of what the library leaves when it has validated, however often it has."""


async def parsed(documents: Documents, text: str) -> list[GraphQLError]:
    document = await documents.parse(text, max_tokens=MOST_TOKENS)
    faults = await documents.validate(core_schema(schema), document, RULES)
    if not faults:
        core, operation = core_schema(schema), get_operation_ast(document)
        assert operation
        documents.admit(core, document, RULES, None, formula(core, fragments_of(document), operation))
    return faults


@pytest.mark.campaign
@pytest.mark.parametrize("text", [PRODUCTS, ALIASES, LISTS, COMMENT, WIDE, WRONG])
async def test_a_text_takes_no_more_than_is_counted(text: str) -> None:
    # The least of three attempts: services of other tests and threads of drivers take memory meanwhile.
    taken, counted = min([await taken_by(text) for _ in range(3)])
    assert counted / 4 < taken < counted + LEFT_BY_VALIDATION


async def taken_by(text: str) -> tuple[int, int]:
    """The bytes that ten texts take, and those that are counted for them."""
    documents = Documents(10**9)
    await parsed(documents, text % 0)
    before = documents.kept.bytes
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(1, 11):
            await parsed(documents, text % number)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return taken, documents.kept.bytes - before


async def test_a_text_that_comes_again_is_neither_parsed_nor_validated_again() -> None:
    documents = Documents()
    first = await parsed(documents, WRONG % 1)
    assert first
    assert await parsed(documents, WRONG % 1) is first
    assert await documents.parse(WRONG % 1, max_tokens=1) is await documents.parse(WRONG % 1, max_tokens=1)


async def test_the_formula_of_a_cost_is_made_once_for_each_operation_and_set_of_rules() -> None:
    documents, core = Documents(), core_schema(schema)
    text = PRODUCTS % 1
    await parsed(documents, text)
    document = await documents.parse(text, max_tokens=MOST_TOKENS)
    made = documents.formula(core, document, RULES, None)
    assert made
    assert made is documents.formula(core, document, RULES, None)
    assert documents.formula(core, document, RULES, "Q1") is None
    assert documents.formula(core, document, RULES[1:], None) is None
    other = await documents.parse(PRODUCTS % 2, max_tokens=MOST_TOKENS)
    assert documents.formula(core, other, RULES, None) is None


async def test_all_texts_together_keep_to_their_bytes_and_a_larger_one_is_not_kept() -> None:
    documents = Documents(200_000)
    for number in range(50):
        assert await parsed(documents, PRODUCTS % number) == []
        assert documents.kept.bytes <= 200_000
    few = len(documents.kept)
    assert 0 < few < 50
    assert await parsed(documents, ALIASES % 1) == await parsed(documents, ALIASES % 1) == []
    assert len(documents.kept) == few


async def test_a_document_that_was_not_kept_is_validated_all_the_same() -> None:
    documents = Documents(1)
    assert [each.message for each in await parsed(documents, "{ nothing }")] == [
        "Cannot query field 'nothing' on type 'Query'."
    ]


async def test_what_is_no_document_is_refused_each_time() -> None:
    documents = Documents()
    for _ in range(2):
        with pytest.raises(GraphQLError, match="Syntax Error"):
            await documents.parse("{", max_tokens=MOST_TOKENS)
    assert len(documents.kept) == 0


async def test_a_long_text_is_validated_in_slices_and_its_faults_are_those_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "SLICE", 0.0)
    fields = " ".join(f"a{n}: product(id: $id) {{ name }}" for n in range(150))
    text = (
        "query ($id: ID!, $unused: Int) { a: nothing "
        + fields
        + " a9: product(id: $wrong) { id } product(id: 1, id: 2) { name } }"
    )
    document = await Documents().parse(text, max_tokens=MOST_TOKENS)
    assert known_of(document).tokens > LARGE
    others = Others()
    faults = await parsed(Documents(), text)
    others.stop()
    expected = validate(core_schema(schema), document, RULES)
    assert [(each.message, each.positions) for each in faults] == [
        (each.message, each.positions) for each in expected
    ]
    assert len(faults) >= 4
    assert others.rounds > 100


@pytest.mark.parametrize("end", ["}", "", " \N{GOAT}"])
async def test_a_long_text_is_parsed_in_slices_and_comes_to_what_the_library_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    text = (
        "query Q($id: ID!) {"
        + " ".join(f'a{n}: product(id: "{n}") {{ name }} # a\n' for n in range(99))
        + "\n"
        + end
    )
    assert len(text) > turns.LONG_TEXT
    expected = outcome_of(text)
    monkeypatch.setattr(turns, "SLICE", 0.0)
    others = Others()
    assert await made_of(text) == expected
    others.stop()
    assert others.rounds > 500


def outcome_of(text: str) -> object:
    try:
        return parse(text).to_dict(locations=True)
    except GraphQLError as fault:
        return fault.message, fault.positions


async def made_of(text: str) -> object:
    try:
        return (await Documents().parse(text, max_tokens=MOST_TOKENS)).to_dict(locations=True)
    except GraphQLError as fault:
        return fault.message, fault.positions


async def test_a_long_text_that_many_clients_send_at_once_is_parsed_and_validated_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = list[str]()

    def noting(name: str) -> None:
        original = getattr(module, name)

        def noted(*positional: Any, **named: Any) -> Any:
            done.append(name)
            return original(*positional, **named)

        monkeypatch.setattr(module, name, noted)

    noting("parse")
    noting("errors_in_slices")
    documents = Documents()
    every = [parsed(documents, ALIASES % 1) for _ in range(10)]
    assert await asyncio.gather(*every) == 10 * [[]]
    assert done == ["parse", "errors_in_slices"]


MERGED = "{" + " products { nodes { name } }" * 400 + "} # %d"
"""Validation ends before all of it is compared, and says so."""


@pytest.mark.parametrize("text", [COMMENT, WRONG, LISTS, MERGED])
async def test_a_large_text_is_freed_once_it_is_dropped(text: str) -> None:
    documents = Documents()
    text = text % 1 + "\n# x" * LARGE
    await parsed(documents, text)
    there = ref(await documents.parse(text, max_tokens=MOST_TOKENS))
    assert there()
    gc.disable()
    try:
        documents.kept.drop(text)
        assert there() is None
    finally:
        gc.enable()


FRAGMENTS = (
    "query A($a: ID!, $b: ID!, $unused: Int) { product(id: $a) { ...F } ...G } "
    "query B($b: String!, $c: [ID!]) { ...G nodes(ids: $c) { id } } "
    "fragment F on Product { name ...H } fragment H on Product { sku } fragment Unused on Product { ...H } "
    "fragment G on Query { two: product(id: $b) { id } three: product(id: $missing) { id } } "
)


@pytest.mark.parametrize("fields", ["", " ".join(f"a{n}: name" for n in range(LARGE))])
async def test_variables_in_fragments_have_the_faults_that_the_library_finds(fields: str) -> None:
    text = FRAGMENTS + f"fragment More on Product {{ id {fields} }}"
    document = await Documents().parse(text, max_tokens=MOST_TOKENS)
    faults = await parsed(Documents(), text)
    expected = validate(core_schema(schema), document, RULES)
    assert len(expected) >= 5
    assert [(each.message, each.positions) for each in faults] == [
        (each.message, each.positions) for each in expected
    ]


VARIABLES = (
    "query Q%d (" + " ".join(f"$v{n}: ID!" for n in range(300)) + ") {"
    " " + " ".join(f"a{n}: product(id: $v{n}) {{ id }}" for n in range(300)) + "}"
)
"""A definition that takes long to hash, and has much to look through for variables."""


@pytest.mark.parametrize("text", [ALIASES, LISTS, MERGED, VARIABLES, WRONG])
async def test_no_step_of_a_large_validation_takes_long(text: str) -> None:
    longest = []
    for _ in range(
        5
    ):  # The shortest counts: what the machine gives to others can count as the process's own.
        document = with_known(parse(text % 1))
        others = Others()
        await errors_in_slices(core_schema(schema), document, RULES)
        await asyncio.sleep(0)
        others.stop()
        longest.append(others.longest)
    assert min(longest) < 0.02


async def test_validation_ends_after_fifty_errors() -> None:
    """Similar names are looked up for each unknown one, which holds the loop."""
    text = "{" + " ".join(f"nothing{number}" for number in range(200)) + "}"
    *errors, end = await parsed(Documents(), text)
    assert len(errors) == MOST_ERRORS
    assert isinstance(end, ValidationAbortedError)
