"""The type and the name of an operation are found in its text."""

from pathlib import Path

import graphql
import pytest

from app.graphql.measured.operation_names import LONGEST_NAME, LONGEST_SEARCHED, operation_in_text
from app.web.admin import DOCUMENTS

BOTH = """# query Commented { a }
fragment Parts on Product { name(of: "} query No { a }") { mutation } }
query First($id: ID! = {a: {b: "}"}}) @cached(by: {x: "("}) { ...Parts query { mutation } }
mutation Second { a(text: \"\"\" } mutation Quoted { \\\"\"\" " \"\"\") }
subscription { a }"""


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("{ a }", None, ("query", "")),
        ("query { a }", None, ("query", "")),
        ("query @cached { a }", None, ("query", "")),
        ("\ufeffmutation\n  Do($input: In!){a}", None, ("mutation", "Do")),
        (BOTH, None, ("query", "First")),
        (BOTH, "Second", ("mutation", "Second")),
        (BOTH, "Quoted", ("", "")),
        ("subscription S{a}", "S", ("subscription", "S")),
        ("this is no operation", None, ("", "")),
        ("}}}{ a", None, ("", "")),
        ('{ a(b: "', None, ("query", "")),
        (f"query {'x' * 500} {{ a }}", None, ("query", "x" * LONGEST_NAME)),
        ("#" * LONGEST_SEARCHED + "\n{ a }", None, ("", "")),
    ],
)
def test_an_operation_is_found_in_its_text(text: str, name: str | None, found: tuple[str, str]) -> None:
    assert operation_in_text(text, name) == found


@pytest.mark.parametrize(
    "text",
    [
        *DOCUMENTS.values(),
        *(each.read_text("utf-8") for each in Path("app/web/static/tabs").glob("*.graphql")),
    ],
)
def test_it_is_the_one_that_a_parser_finds(text: str) -> None:
    operation = graphql.get_operation_ast(graphql.parse(text))
    assert operation
    assert operation_in_text(text, None) == (
        operation.operation.value,
        operation.name.value if operation.name else "",
    )
