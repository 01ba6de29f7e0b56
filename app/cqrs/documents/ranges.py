"""Filters for ranges of values."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from app.cqrs.documents.read_model import Filter

Bound = datetime | Decimal | str | None


def in_range(
    path: str, *, at_least: Bound = None, at_most: Bound = None, before: Bound = None
) -> dict[str, Filter]:
    """Return the filter for a value at `path` within these bounds, of which `None` is none.

    The filter is empty without a bound. `before` is exclusive, the others are inclusive.
    """
    given: dict[str, Any] = {"$gte": at_least, "$lte": at_most, "$lt": before}
    bounds = {operator: bound for operator, bound in given.items() if bound is not None}
    return {path: bounds} if bounds else {}
