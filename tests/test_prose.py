"""Descriptions of the schema and docstrings are whole, and none opens with a bare relative word."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from app.graphql.internals.strawberry import core_schema
from schema.root import schema

FEWEST_WORDS = 3
WORDS = "who whom whose whoever what whatever when whenever where wherever whether which that how why so"
RELATIVE = re.compile(rf"(in which|those|{WORDS.replace(' ', '|')})\b", re.IGNORECASE)

Described = GraphQLField | GraphQLInputField | GraphQLArgument


def faults_of(text: str | None) -> Iterator[str]:
    """Yield the faults of a description."""
    if not text:
        yield "is missing"
        return
    if len(text.split()) < FEWEST_WORDS:
        yield f"has fewer than {FEWEST_WORDS} words"
    if RELATIVE.match(text):
        yield "opens with a relative word"
    if not text.endswith("."):
        yield "does not end with a full stop"


def described() -> Iterator[tuple[str, str | None]]:
    """Yield the place and the text of each description and deprecation in the schema."""
    for name, kind in core_schema(schema).type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            for value, of in kind.values.items():
                yield f"{name}.{value}", of.description
    for place, of in fields():
        yield place, of.description
        if of.deprecation_reason is not None:
            yield f"{place} (deprecation)", of.deprecation_reason
    for directive in core_schema(schema).directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description


def fields() -> Iterator[tuple[str, Described]]:
    """Yield the place and the definition of each field, argument and input field of the schema."""
    for name, kind in core_schema(schema).type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", of) for field, of in kind.fields.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, of in kind.fields.items():
                yield f"{name}.{field}", of
                yield from ((f"{name}.{field}({argument})", each) for argument, each in of.args.items())


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring, also of those below constants and fields."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if text := ast.get_docstring(node):
            yield node.body[0].lineno, text
        for above, below in pairwise(node.body):
            match above, below:
                case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                    yield below.lineno, text


def misworded(path: Path) -> Iterator[str]:
    """Yield the place and the first line of each docstring that opens with a relative word."""
    for line, text in docstrings(path.read_text(encoding="utf-8")):
        if RELATIVE.match(text):
            yield f"{path}:{line}: {text.splitlines()[0]}"


def sources() -> Iterator[Path]:
    for folder in ("app", "schema"):
        yield from sorted(Path(folder).rglob("*.py"))


def test_every_type_field_argument_and_enum_value_has_a_whole_description() -> None:
    assert [f"{place} {fault}: {text}" for place, text in described() for fault in faults_of(text)] == []


def test_a_boolean_is_described_by_the_case_in_which_it_is_true() -> None:
    booleans = {
        place: of.description or "" for place, of in fields() if get_named_type(of.type).name == "Boolean"
    }
    assert booleans
    assert {place: text for place, text in booleans.items() if not re.match("True (if|for) ", text)} == {}


def test_a_mutation_is_described_by_a_verb() -> None:
    mutations = core_schema(schema).mutation_type
    assert mutations
    verbs = {name: (field.description or "").split()[0] for name, field in mutations.fields.items()}
    assert {name: verb for name, verb in verbs.items() if not re.fullmatch("[A-Z][a-z]+s", verb)} == {}


def test_no_docstring_opens_with_a_relative_word() -> None:
    found = [each for path in sources() for each in misworded(path)]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (None, ["is missing"]),
        ("", ["is missing"]),
        ("When.", ["has fewer than 3 words", "opens with a relative word"]),
        ("Whether any can be ordered.", ["opens with a relative word"]),
        ("In which order; by name if null.", ["opens with a relative word"]),
        ("The name of the product", ["does not end with a full stop"]),
        ("The time at which the event was recorded, in UTC.", []),
        ("Soap, brushes and towels.", []),
    ],
)
def test_a_description_with_a_fault_is_found(text: str | None, faults: list[str]) -> None:
    assert list(faults_of(text)) == faults


def test_docstrings_of_all_kinds_are_read() -> None:
    source = '''"""A module."""

LIMIT = 3
"""A constant."""

class Thing:
    """A class."""

    size: int
    """A field."""

    def grow(self) -> None:
        """A method.

        More of it.
        """

    async def wait(self) -> None:
        """Another method."""
        "no docstring"


def plain() -> str:
    return "no docstring"
'''
    texts = [text.splitlines()[0] for _, text in sorted(docstrings(source))]
    assert texts == ["A module.", "A constant.", "A class.", "A field.", "A method.", "Another method."]
