"""Filters and orders applied to documents in memory, as document stores apply them.

Conditions and values that are not understood here give `None`: only a read of the store can tell.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.cqrs.documents.read_model import Document, Filter
from app.cqrs.reading.pages import value_at

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_COMPARABLE = (str, datetime, Decimal, int)
"""Types whose values Python compares as document stores do, with those of the same type."""


class _Unknown(Exception):
    """A value that is missing, or that is compared with one of another type."""


def matches(filter: Filter, document: Document) -> bool | None:
    """Return whether a document matches a filter; `None` if that is not known."""
    known: bool | None = True
    for path, condition in filter.items():
        match _matches(path, condition, document):
            case False:
                return False
            case None:
                known = None
    return known


def comes_after(keys: Sequence[tuple[str, int]], one: Document, other: Document) -> bool | None:
    """Return whether the other document comes after the one in this order; `None` if that is not known."""
    try:
        for path, direction in keys:
            first, second = _value(one, path), _value(other, path)
            first, second = _known(first, second), _known(second, first)
            if first != second:
                return bool(second > first) == (direction > 0)
    except _Unknown:
        return None
    return False


def _matches(path: str, condition: Any, document: Document) -> bool | None:
    if path == "$and":
        found = [matches(each, document) for each in condition]
        return False if False in found else None if None in found else True
    if path.startswith("$"):
        return None
    try:
        return _fits(condition, _value(document, path))
    except _Unknown:
        return None


def _fits(condition: Any, value: Any) -> bool | None:
    match condition:
        case bool():
            return condition is value if isinstance(value, bool) else None
        case str():
            return bool(condition in value if _is_texts(value) else _known(value, condition) == condition)
        case Mapping() if condition and condition.keys() <= _COMPARISONS.keys():
            return all(
                _COMPARISONS[name](_known(value, bound), _known(bound, value))
                for name, bound in condition.items()
            )
        case {"$in": [*texts], **others} if not others and all(isinstance(text, str) for text in texts):
            values = value if _is_texts(value) else [_known(value, "")]
            return any(each in texts for each in values)
    return None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _value(document: Document, path: str) -> Any:
    try:
        return value_at(document, path)
    except (LookupError, TypeError):  # It is missing, or in a list.
        raise _Unknown from None


def _known(value: Any, compared_with: Any) -> Any:
    """Return a value as document stores compare it; raise `_Unknown` if they compare it differently."""
    if type(value) not in _COMPARABLE or type(value) is not type(compared_with):
        raise _Unknown
    if isinstance(value, datetime):  # They store milliseconds.
        if value.tzinfo is None or compared_with.tzinfo is None:
            raise _Unknown
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value
