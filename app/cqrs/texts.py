"""Text that means the same has one form: Unicode's composed one, NFC."""

import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

LONGEST = 10_000
"""Characters of a text that is brought into its form, which takes up to 50 ms: composing takes the square of
the number of accents in a row. No rule of a command lets a longer text through.
"""

T = TypeVar("T")


def one_form(text: str) -> str:
    """Return `text` in NFC, as it is compared and stored; unchanged where it is longer than `LONGEST`."""
    return text if text.isascii() or len(text) > LONGEST else unicodedata.normalize("NFC", text)


def in_one_form(value: T) -> T:
    """Return `value` with its text in one form, also within dataclasses, lists, tuples and dictionaries."""
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
