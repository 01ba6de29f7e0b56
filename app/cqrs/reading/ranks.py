"""Pages in the order of relevance: each rank is read like a list of its own, one after the other."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.cqrs.documents.read_model import Filter

Bound = tuple[Sequence[Any], int]
"""The values of a cursor, with 1 if the page is after it, and -1 if it is before it."""


def ranks_between(
    ranks: Iterable[Filter], keys: Sequence[tuple[str, int]], bounds: Sequence[Bound]
) -> list[tuple[int, Filter]]:
    """Return the filters of the ranks within the bounds, each with its rank, in the order of `keys`."""
    (_, direction), *others = keys
    found: list[tuple[int, Filter]] = []
    for rank, filter in enumerate(ranks):
        sides = [(rank - values[0]) * direction * sign for values, sign in bounds]
        if all(side >= 0 for side in sides):
            within = [
                beyond(others, values[1:], sign)
                for (values, sign), side in zip(bounds, sides, strict=True)
                if side == 0
            ]
            found.append((rank, {"$and": [filter, *within]} if within else filter))
    return found[::direction]


def beyond(keys: Sequence[tuple[str, int]], values: Sequence[Any], sign: int) -> Filter:
    """Return the filter for documents after (`sign` 1) or before (-1) the one with these key values."""
    cases: list[Filter] = []
    same: dict[str, Any] = {}
    for (path, direction), value in zip(keys, values, strict=True):
        cases.append({**same, path: {"$gt" if direction * sign > 0 else "$lt": value}})
        same = {**same, path: value}
    return {"$or": cases}
