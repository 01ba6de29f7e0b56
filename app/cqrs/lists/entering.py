"""The question whether a new document may enter a list, answered without a read.

An answer of true may be wrong, and costs a read. An answer of false is always right: conditions and values
that are not understood here never lead to it.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.cqrs.documents.read_model import Document, Filter
from app.cqrs.reading.pages import Listing, Page, value_at

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


def may_enter(listing: Listing, page: Page, document: Document) -> bool:
    """Return whether the first page of a listing may be another one once there is this document.

    The document has its `_id`, and is not on the page.
    """
    if _is_excluded(listing.filter, document):
        return False
    return not (page.has_next and page.documents and _comes_after(page.documents[-1], document, listing))


def _is_excluded(filter: Filter, document: Document) -> bool:
    """Return whether a document is known not to match a filter."""
    for path, condition in filter.items():
        if path == "$and":
            if any(_is_excluded(each, document) for each in condition):
                return True
        elif not path.startswith("$"):
            try:
                if not _may_match(condition, _value(document, path)):
                    return True
            except _Unknown:
                continue
    return False


def _may_match(condition: Any, value: Any) -> bool:
    match condition:
        case str():
            return bool(_known(value, condition) == condition)
        case Mapping() if condition and condition.keys() <= _COMPARISONS.keys():
            return all(
                _COMPARISONS[name](_known(value, bound), _known(bound, value))
                for name, bound in condition.items()
            )
        case {"$in": [*texts], **others} if not others and all(isinstance(text, str) for text in texts):
            return _known(value, "") in texts
    return True


def _comes_after(last: Document, document: Document, listing: Listing) -> bool:
    """Return whether a document is known to come after the last one of a page."""
    if listing.search:
        return False
    try:
        return _sorts_after(last, document, listing.keys)
    except _Unknown:
        return False


def _sorts_after(last: Document, document: Document, keys: Sequence[tuple[str, int]]) -> bool:
    for path, direction in keys:
        one, other = _value(last, path), _value(document, path)
        one, other = _known(one, other), _known(other, one)
        if one != other:
            return bool(other > one) == (direction > 0)
    return False


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
