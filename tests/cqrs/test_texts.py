import time
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import pytest

from app.cqrs.messages import Event, composed, decode, encode
from app.cqrs.texts import MOST_MARKS, in_one_form, one_form

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"


@dataclass(frozen=True, kw_only=True)
class Cup:
    label: str
    size: int = 1


class Brewed(Event):
    id: UUID
    price: Decimal
    cups: tuple[Cup, ...]
    notes: dict[str, list[str]]
    reader: str | None = None


def brewed(label: str) -> Brewed:
    cups = (Cup(label="plain"), Cup(label=label, size=2))
    return Brewed(id=UUID(int=1), price=Decimal("1.50"), cups=cups, notes={label: [label, "plain"]})


@pytest.mark.parametrize("text", [COMPOSED, DECOMPOSED])
def test_text_that_means_the_same_has_one_form(text: str) -> None:
    assert one_form(text) == COMPOSED


@pytest.mark.parametrize("text", ["Kaffee", "\ufb01ve \uff21 \u00bd", "\ud800", "日本", "\U0001f375"])
def test_text_that_only_looks_alike_stays_as_it_is(text: str) -> None:
    assert one_form(text) == text


def test_all_text_of_a_message_is_brought_into_one_form_and_nothing_else_changes() -> None:
    assert in_one_form(brewed(DECOMPOSED)) == brewed(COMPOSED)
    assert composed(brewed(DECOMPOSED)) == brewed(COMPOSED)
    for label in (COMPOSED, "plain"):
        message = brewed(label)
        assert in_one_form(message) is composed(message) is message


def test_text_without_bytes_does_not_keep_the_other_text_from_its_form() -> None:
    message = composed(replace(brewed(DECOMPOSED), reader="\ud800"))
    assert message == replace(brewed(COMPOSED), reader="\ud800")


def test_an_event_that_was_stored_in_the_other_form_is_read_in_the_one_form() -> None:
    stored = encode(brewed(DECOMPOSED))
    assert DECOMPOSED in stored
    assert decode(stored, Brewed) == brewed(COMPOSED)


def test_a_letter_of_an_escape_is_not_composed_with_the_accent_after_it() -> None:
    """JSON has `\\n` for a line's end: an `n`, which with the tilde after it would be another letter."""
    label = "two\n\u0303lines"
    assert decode(encode(brewed(label)), Brewed) == brewed(label)


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0316\u0301", "\u0301", "\u0316", "\u0345\u0301"])
def test_a_text_of_marks_only_takes_time_in_proportion_to_its_length(marks: str) -> None:
    begun = time.perf_counter()
    one_form("e" + marks * 200_000)
    assert time.perf_counter() - begun < 2, "the square of their number would take a minute"


@pytest.mark.parametrize("marks", [1, MOST_MARKS])
def test_as_many_marks_as_a_language_may_have_are_composed(marks: int) -> None:
    assert one_form("e" + "\u0301" * marks) == "\u00e9" + "\u0301" * (marks - 1)
