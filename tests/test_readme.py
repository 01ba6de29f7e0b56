"""The README is true: its files and settings exist, its GraphQL is valid, its Python is tested."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from app.config import Settings
from schema.operation import CODES
from schema.root import sdl

README = Path("README.md").read_text(encoding="utf-8")
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
    named = re.findall(r"`((?:app|schema|tests|scripts)/[\w./]+)`|\]\(([\w./]+)\)", README)
    paths = {Path(code or link) for code, link in named}
    assert len(paths) > 30
    assert sorted(path for path in paths if not path.exists()) == []


def test_its_settings_are_all_the_settings() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", README, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    assert {name.upper() for name in Settings.model_fields} <= named


def test_it_tells_what_to_do_on_every_error_code() -> None:
    assert [code for code in CODES.values() if f"`{code}`" not in README] == []
