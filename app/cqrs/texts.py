"""Unicode normalization: equal text has one form, the composed one (NFC)."""

import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

MOST_MARKS = 30
"""Combining marks in a row, limited as in Unicode's Stream-Safe Text Format: no language needs more. The time
to compose them grows with the square of their number: 400,000 marks, which fit into one request, would block
the event loop for a minute.
"""

T = TypeVar("T")


def one_form(text: str) -> str:
    """Return `text` in NFC for comparison and storage; unchanged if it exceeds `MOST_MARKS`."""
    return text if is_in_one_form(text) or _has_many_marks(text) else unicodedata.normalize("NFC", text)


def is_in_one_form(text: str) -> bool:
    """Return whether `one_form` leaves `text` unchanged; fast for most text."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def _has_many_marks(text: str) -> bool:
    in_a_row = 0
    for character in text:
        in_a_row = in_a_row + 1 if unicodedata.combining(character) else 0
        if in_a_row > MOST_MARKS:
            return True
    return False


def in_one_form(value: T) -> T:
    """Return `value` with its text in NFC, also within dataclasses, lists, tuples and dictionaries."""
    form: Any = value
    match value:
        case str():
            form = one_form(value)
        case list():
            form = [in_one_form(each) for each in value]
        case tuple():
            form = tuple([in_one_form(each) for each in value])
        case dict():
            form = {in_one_form(key): in_one_form(each) for key, each in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            form = _message_in_one_form(value)
    return cast("T", form)


def _message_in_one_form(message: Any) -> Any:
    given = {field.name: getattr(message, field.name) for field in fields(message) if field.init}
    formed = {name: in_one_form(each) for name, each in given.items()}
    return message if formed == given else replace(message, **formed)
