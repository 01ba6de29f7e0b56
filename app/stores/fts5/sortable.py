"""Values of documents as texts that SQLite compares as MongoDB compares the values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BEFORE_EPOCH = 10**15
"""Added to milliseconds since the epoch, so that none is negative."""
_COMPLEMENTS = str.maketrans("0123456789", "9876543210")

MISSING = ""
"""The text of no value, which sorts before all others."""


class NotSortable(Exception):
    """A value that has no such text, such as a list."""


def sortable(value: Any) -> str:
    """Return the text of a value; raise `NotSortable`.

    Its first letter is that of the type: values of different types are never equal.
    """
    match value:
        case None:
            return MISSING
        case bool():
            return "b1" if value else "b0"
        case int():
            return _number(Decimal(value))
        case Decimal() if value.is_finite():
            return _number(value)
        case str():
            return f"s{value}"
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return f"t{(moment - _EPOCH) // _MILLISECOND + _BEFORE_EPOCH:016}"
    raise NotSortable(type(value).__name__)


def _number(value: Decimal) -> str:
    """Return the text of a number: its sign, then its exponent, then its digits without zeros at the end."""
    if not value:
        return "n1"
    digits = "".join(map(str, value.as_tuple().digits))
    text = f"{value.adjusted() + 20_000:05}{digits.strip('0')}"
    # Of two negative numbers that begin alike, the longer one is less.
    return f"n0{text.translate(_COMPLEMENTS)}~" if value < 0 else f"n2{text}"
