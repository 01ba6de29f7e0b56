"""The difference between two states of a list: what left it, entered it, changed in it, and moved."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

Row = tuple[str, int]
"""The id of a document in a list, and the position of the event that last changed it."""


class ListChangeKind(Enum):
    """The kind of a change of a list."""

    ENTERED = "ENTERED"
    CHANGED = "CHANGED"
    MOVED = "MOVED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChange:
    """The change of one document between two states of a list."""

    kind: ListChangeKind
    id: str
    index: int | None = None
    """The index in the later state; `None` for a document that left."""
    previous: int | None = None
    """The index in the earlier state; `None` for a document that entered."""


def differences(before: Sequence[Row], after: Sequence[Row]) -> list[ListChange]:
    """Return the changes that lead from one state to a later one: what left, then the others by index.

    Without what left and moved, the earlier state becomes the later one if each other document is put at its
    index, in the order of the changes. As few documents as possible count as moved, and of two that exchanged
    their places the one that changed.
    """
    old = {id: (index, position) for index, (id, position) in enumerate(before)}
    remaining = {id for id, _ in after}
    changes = [
        ListChange(kind=ListChangeKind.LEFT, id=id, previous=index)
        for index, (id, _) in enumerate(before)
        if id not in remaining
    ]
    in_order = _in_order([(old[id][0], old[id][1] == position) for id, position in after if id in old])
    for index, (id, position) in enumerate(after):
        previous, known = old.get(id, (None, None))
        if previous is None:
            kind = ListChangeKind.ENTERED
        elif previous not in in_order:
            kind = ListChangeKind.MOVED
        elif position != known:
            kind = ListChangeKind.CHANGED
        else:
            continue
        changes.append(ListChange(kind=kind, id=id, index=index, previous=previous))
    return changes


def _in_order(places: Sequence[tuple[int, bool]]) -> Collection[int]:
    """Return the earlier places of the documents that have not moved.

    `places` are the earlier places in the later order, each with whether its document is unchanged. Such
    documents keep their order among one another, because it depends on the documents alone.
    """
    if all(one < other for (one, _), (other, _) in pairwise(places)):  # As usual: nothing has moved.
        return {place for place, _ in places}
    bounds, above, below = [], -1, len(places) + max((place for place, _ in places), default=0)
    for place, is_unchanged in places:
        bounds.append(above)
        above = max(above, place) if is_unchanged else above
    may_stay = []
    for (place, is_unchanged), lowest in zip(reversed(places), reversed(bounds), strict=True):
        if lowest < place < below:
            may_stay.append(place)
        below = min(below, place) if is_unchanged else below
    return _longest_rising(may_stay[::-1])


def _longest_rising(numbers: Sequence[int]) -> Collection[int]:
    """Return the numbers of a longest rising subsequence; no number occurs twice."""
    if all(one < other for one, other in pairwise(numbers)):
        return set(numbers)
    ends: list[int] = []
    """The smallest last number of a rising subsequence of each length, minus one."""
    before: dict[int, int | None] = {}
    for number in numbers:
        length = bisect_left(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    found: set[int] = set()
    last: int | None = ends[-1]
    while last is not None:
        found.add(last)
        last = before[last]
    return found
