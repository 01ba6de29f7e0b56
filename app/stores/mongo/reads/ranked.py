"""The aggregation that reads rank after rank until a page is full."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.cqrs.documents.read_model import RELEVANCE
from app.cqrs.documents.store import Fields, Ranks, Sort


def pipeline(
    stored_as: str, ranks: Ranks, *, sort: Sort, limit: int, fields: Fields
) -> Sequence[Mapping[str, Any]]:
    """Return the aggregation that finds the first documents of the ranks, in their order.

    Each document gets its rank. A rank is not read if those before it have enough documents.
    """
    within = {path: direction for path, direction in sort if path != RELEVANCE}
    shown = {path: 1 for path in fields or () if not any(path.startswith(f"{of}.") for of in fields or ())}
    stages: list[Mapping[str, Any]] = []
    for rank, filter in ranks:
        ranked = {**shown, RELEVANCE: {"$literal": rank}}
        of_rank: list[Mapping[str, Any]] = [
            {"$match": filter},
            {"$sort": within},
            {"$limit": limit},
            {"$set": ranked} if fields is None else {"$project": ranked},
        ]
        stages += [{"$unionWith": {"coll": stored_as, "pipeline": of_rank}}] if stages else of_rank
    return [*stages, {"$limit": limit}]
