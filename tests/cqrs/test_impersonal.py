"""Logs say what failed and where, and quote nobody's data."""

import ast
from collections.abc import Callable, Iterator
from errno import ENOSPC
from pathlib import Path

import pytest

from app.cqrs.impersonal import FRAMES, Impersonal, outline

STREET = "Rua da Alegria 27"
ROOT = Path(__file__).parents[2]


class Worded(Impersonal):
    """Says what we say."""


def caught(fails: Callable[[], object]) -> Exception:
    try:
        fails()
    except Exception as error:
        return error
    raise AssertionError("It did not fail.")


def looks_up() -> None:
    {"city": "Porto"}[STREET]


def wraps() -> None:
    try:
        looks_up()
    except KeyError as error:
        raise Worded("The look-up failed.") from error


def digs(depth: int) -> None:
    if not depth:
        looks_up()
    digs(depth - 1)


def test_names_type_and_place_and_not_the_text() -> None:
    told = outline(caught(looks_up))
    assert told.startswith("KeyError (at ")
    assert "tests/cqrs/test_impersonal.py:" in told
    assert told.endswith("looks_up)")
    assert STREET not in told


def test_our_own_words_are_told_with_the_cause() -> None:
    told = outline(caught(wraps))
    assert told.startswith("Worded: The look-up failed. (at ")
    assert ", because of KeyError (at " in told
    assert STREET not in told


def test_the_operating_system_says_what_it_means_and_names_no_file() -> None:
    assert outline(OSError(ENOSPC, "as somebody else says", STREET)) == "OSError: No space left on device"


def test_what_came_before_is_told_unless_it_is_suppressed() -> None:
    def fails_while_failing() -> None:
        try:
            looks_up()
        except KeyError:
            raise ValueError(STREET)  # noqa: B904

    def fails_instead() -> None:
        try:
            looks_up()
        except KeyError:
            raise ValueError(STREET) from None

    assert ", after KeyError (at " in outline(caught(fails_while_failing))
    assert "KeyError" not in outline(caught(fails_instead))


def test_tells_the_innermost_frames_of_a_deep_failure() -> None:
    told = outline(caught(lambda: digs(50)))
    assert told.count(" > ") == FRAMES - 1
    assert told.endswith("looks_up)")


def test_tells_of_each_failure_of_a_group() -> None:
    told = outline(ExceptionGroup(STREET, [KeyError(STREET), Worded("It is full.")]))
    assert told == "ExceptionGroup [KeyError; Worded: It is full.]"


def test_causes_that_go_in_a_circle_have_an_end() -> None:
    one, other = Worded("One."), Worded("Other.")
    one.__cause__, other.__cause__ = other, one
    assert outline(one) == "Worded: One., because of Worded: Other."


SPEAKERS = {"MongodError", "NotFetched"}
"""Exceptions whose texts are written for the operator, and hold no data."""


def unguarded(code: str) -> Iterator[str]:
    """Yield the log calls that take an exception as it is, with its text."""
    for handler in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler)):
        kind = handler.type.id if isinstance(handler.type, ast.Name) else ""
        for call in (node for node in ast.walk(handler) if isinstance(node, ast.Call)):
            if not (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)):
                continue
            if call.func.value.id != "logger":
                continue
            taken = [each.id for each in call.args if isinstance(each, ast.Name)]
            named = handler.name in taken and kind not in SPEAKERS
            if named or call.func.attr == "exception":
                yield ast.unparse(call)
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        if any(keyword.arg == "exc_info" for keyword in call.keywords):
            yield ast.unparse(call)


@pytest.mark.parametrize(
    "line", ['logger.warning("%s", error)', 'logger.exception("no")', 'logger.error("no", exc_info=True)']
)
def test_the_search_finds_log_calls_that_quote_an_exception(line: str) -> None:
    assert list(unguarded(f"try:\n    f()\nexcept Exception as error:\n    {line}"))
    assert not list(
        unguarded('try:\n    f()\nexcept Exception as error:\n    logger.error("%s", outline(error))')
    )


def test_no_log_call_quotes_an_exception() -> None:
    files = [*ROOT.glob("app/**/*.py"), *ROOT.glob("schema/**/*.py")]
    found = {str(file.relative_to(ROOT)): list(unguarded(file.read_text())) for file in files}
    assert len(files) > 100
    assert {file: calls for file, calls in found.items() if calls} == {}
