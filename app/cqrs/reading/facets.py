"""Facets for several choices: each counts a listing's documents without its own condition of the filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.cqrs.reading.pages import Listing

Expression = Any
"""An expression of an aggregation, over a document."""


@dataclass(frozen=True)
class Facet:
    """A value by which documents are counted, and the path of the filter's condition on it."""

    path: str
    by: Expression


def counts_of_choices(
    listing: Listing,
    facets: Mapping[str, Facet],
    *,
    extremes: Mapping[str, Mapping[str, Expression]] | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Return the aggregation that counts a listing's documents by each facet.

    It results in one document with a list for each facet, whose items have a value as `_id`, its `count`, and
    the `extremes`, which are named accumulators `$min` and `$max`. The documents are read once.
    """
    extremes = extremes or {}
    own = {facet.path: name for name, facet in facets.items()}
    conditions = {own[path]: (path, met) for path, met in listing.filter.items() if path in own}
    others = {path: met for path, met in listing.filter.items() if path not in own}
    grouped = {name: facet.by for name, facet in facets.items()}
    met = {f"{name}_met": _is_met(*condition) for name, condition in conditions.items()}
    again = {name: {operator: f"${name}"} for name, each in extremes.items() for operator in each}
    counted = {}
    for name in facets:
        needed = {f"_id.{other}_met": True for other in conditions if other != name}
        sums = {"_id": f"$_id.{name}", "count": {"$sum": "$count"}, **again}
        counted[name] = [{"$match": needed}, {"$group": sums}, {"$sort": {"_id": 1}}]
    return [
        {"$match": replace(listing, filter=others).matching},
        {"$group": {"_id": grouped | met, "count": {"$sum": 1}, **extremes}},
        {"$facet": counted},
    ]


def _is_met(path: str, condition: Any) -> Expression:
    """Return the expression of whether a document meets a condition of a filter."""
    if not isinstance(condition, dict):
        return {"$eq": [f"${path}", {"$literal": condition}]}
    return {"$and": [{operator: [f"${path}", {"$literal": value}]} for operator, value in condition.items()]}
