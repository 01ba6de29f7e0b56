"""The READMEs are true: their files and settings exist, their GraphQL is valid, their Python is tested."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from app.config import Settings
from app.graphql.execution.errors import CODES
from schema.root import sdl

PAGES = [
    Path("README.md"),
    *(
        Path(folder) / "README.md"
        for folder in (
            *("app", "app/access", "app/cqrs", "app/cqrs/reading", "app/graphql", "schema", "findings"),
            *("tests", "tests/bench", "tests/example", "tests/faults", "scripts/deploy"),
        )
    ),
]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
README = "\n".join(TEXTS.values())
EXAMPLE = "".join(path.read_text(encoding="utf-8") for path in sorted(Path("tests/example").rglob("*.py")))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("operation", blocks("graphql"))
def test_its_graphql_is_valid(operation: str) -> None:
    assert validate(build_schema(sdl()), parse(operation)) == []


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_stands_in_the_example(code: str) -> None:
    lines = [line for line in code.splitlines() if line.strip() not in {"", "..."}]
    assert lines
    assert [line for line in lines if line not in EXAMPLE] == []


def test_its_files_exist() -> None:
    named = re.findall(r"`((?:app|schema|tests|scripts)/[\w./]+)`", README)
    links = {
        page.parent / link for page, text in TEXTS.items() for link in re.findall(r"\]\(([\w./-]+)\)", text)
    }
    paths = {*map(Path, named), *links}
    assert len(paths) > 30
    assert sorted(path for path in paths if not path.exists()) == []


def test_the_front_door_is_short() -> None:
    assert len(TEXTS[Path("README.md")].splitlines()) <= 180


def test_its_settings_are_all_the_settings() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", README, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    assert {name.upper() for name in Settings.model_fields} <= named


def test_it_tells_what_to_do_on_every_error_code() -> None:
    assert [code for code in CODES.values() if f"`{code}`" not in README] == []
