"""Fingerprints of projections: what changes documents is seen, and what does not is not."""

import itertools
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from app.cqrs.fingerprints import NoSource, fingerprint, words_in

BEFORE = '''
import re
from decimal import Decimal

CENT = Decimal("0.01")
KINDS = {"tea": ("green", "black")}
WORD = re.compile("[a-z]+")

def project(event, at):
    """Says what is in the document."""
    if event.kind in KINDS:
        yield {"price": rounded(event.price), "words": _words(event.name)}

def rounded(amount):
    return amount.quantize(CENT)

def _words(name: str):
    # of two letters and more
    return [word for word in WORD.findall(name) if len(word) > 1]

def unrelated():
    return 1
'''

NUMBERS = itertools.count()
Project = Callable[..., Any]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Project]:
    """The function `project` of a module with this text."""

    def load(text: str) -> Project:
        name = f"projections_{next(NUMBERS)}"
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        spec = spec_from_file_location(name, path)
        assert spec
        assert spec.loader
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        project: Project = module.project
        return project

    return load


def edited(*changes: tuple[str, str]) -> str:
    text = BEFORE
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize(
    "change",
    [
        ('"price"', '"prise"'),
        ("quantize(CENT)", "quantize(CENT).normalize()"),
        ('"0.01"', '"0.1"'),
        ('"black"', '"blue"'),
        ('{"tea": ("green", "black")}', '{"green": ("tea", "black")}'),
        ("[a-z]+", "[A-Z]+"),
        ("> 1", "> 2"),
        ("if event.kind in KINDS", "if event.kind not in KINDS"),
    ],
)
def test_another_document_is_another_fingerprint(
    written: Callable[[str], Project], change: tuple[str, str]
) -> None:
    assert fingerprint([written(BEFORE)]) != fingerprint([written(edited(change))])


@pytest.mark.parametrize(
    "change",
    [
        ("Says what is in the document.", "Say it in other words."),
        ("    # of two letters and more\n", ""),
        ("name: str", "name: object"),
        ("return 1", "return 2"),
        ('{"price": rounded(event.price), ', '{\n            "price": (rounded(event.price)),\n            '),
        ('("green", "black")', "('green', 'black')"),
    ],
)
def test_what_changes_no_document_is_the_same_fingerprint(
    written: Callable[[str], Project], change: tuple[str, str]
) -> None:
    assert fingerprint([written(BEFORE)]) == fingerprint([written(edited(change))])


def test_a_fingerprint_is_the_same_on_every_python(written: Callable[[str], Project]) -> None:
    assert fingerprint([written(BEFORE)]) == "01d452e1"


def test_what_is_written_beside_counts_too(written: Callable[[str], Project]) -> None:
    project = written(BEFORE)
    assert fingerprint([project], also=["index"]) != fingerprint([project], also=["another"])


def test_tells_the_words_that_functions_use(written: Callable[[str], Project]) -> None:
    assert words_in([written(BEFORE)]) == {"price", "words", "tea", "green", "black"}


def test_says_that_a_function_has_no_source() -> None:
    namespace: dict[str, Any] = {"__name__": "nowhere"}
    exec("def project(event, at): return []", namespace)
    with pytest.raises(NoSource, match="the source text of nowhere can't be read"):
        fingerprint([namespace["project"]])
