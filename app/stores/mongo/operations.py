"""Changes of one collection, joined and translated into as few operations of MongoDB as possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from pymongo import DeleteMany, DeleteOne, ReplaceOne, UpdateMany, UpdateOne

from app.cqrs.documents.read_model import Change, Document, Filter

MOST = 10_000
"""Documents written in one call: a call that writes more could time out as if the store hung."""

FEW = 100
"""Documents up to which a change of many is made one by one, so that other changes can be joined to it."""

Operation = ReplaceOne[Document] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
Operators = dict[str, dict[str, Any]]

_JOINABLE = {"$set", "$inc", "$push"}
_DECIMAL128 = Context(prec=34)


@dataclass
class _Update:
    id: str
    operators: Operators
    upsert: bool
    array_filters: Sequence[Filter]

    def operation(self) -> Operation:
        return UpdateOne(
            {"_id": self.id}, self.operators, upsert=self.upsert, array_filters=[*self.array_filters] or None
        )


@dataclass(frozen=True)
class _ChangeOfMany:
    ids: Sequence[str]
    operators: Operators | None
    """`None` removes the documents."""
    array_filters: Sequence[Filter]

    def operation(self) -> Operation:
        these = {"_id": {"$in": self.ids}}
        if self.operators is None:
            return DeleteMany(these)
        return UpdateMany(these, self.operators, array_filters=[*self.array_filters] or None)


class Operations:
    """An ordered list of changes that joins successive updates of the same document.

    A document that many events change is thus written once, which makes a rebuild several times faster.
    """

    def __init__(self) -> None:
        self._changes: list[_Update | _ChangeOfMany | ReplaceOne[Document] | DeleteOne] = []
        self._updates: dict[str, _Update] = {}
        """By document id: its last change, if another one can be joined to that."""

    def add(self, id: str, change: Change, position: int) -> None:
        """Add a change of one document, which also sets the document's position to that of the event."""
        if change.document is not None:
            self._changes.append(
                ReplaceOne({"_id": id}, {**change.document, "position": position}, upsert=True)
            )
            self._updates.pop(id, None)
            return
        if change.delete:
            self._changes.append(DeleteOne({"_id": id}))
            self._updates.pop(id, None)
            return
        operators = _operators(change, position)
        last = self._updates.get(id)
        joinable = last and last.upsert >= change.upsert and not change.array_filters
        if last and joinable and _joined(last.operators, operators):
            return
        one = _Update(id, operators, change.upsert, change.array_filters)
        self._changes.append(one)
        if change.array_filters:  # Its paths do not show which items they mean, so nothing is joined to it.
            self._updates.pop(id, None)
        else:
            self._updates[id] = one

    def add_to_all(self, ids: Sequence[str], change: Change, position: int) -> None:
        """Add the same change of many documents, in as few operations as possible."""
        if len(ids) <= FEW:
            for id in ids:
                self.add(id, change, position)
            return
        for id in self._updates.keys() & set(ids):
            del self._updates[id]
        operators = None if change.delete else _operators(change, position)
        for first in range(0, len(ids), MOST):
            self._changes.append(_ChangeOfMany(ids[first : first + MOST], operators, change.array_filters))

    def take(self) -> list[list[Operation]]:
        """Remove all operations and return them, in portions for one call each."""
        portions: list[list[Operation]] = []
        room = 0
        for one in self._changes:
            weight = len(one.ids) if isinstance(one, _ChangeOfMany) else 1
            if weight > room:
                portions.append([])
                room = MOST
            portions[-1].append(one if isinstance(one, ReplaceOne | DeleteOne) else one.operation())
            room -= weight
        self._changes.clear()
        self._updates.clear()
        return portions


def _operators(change: Change, position: int) -> Operators:
    update = change.update or {}
    return {
        **{operator: dict(fields) for operator, fields in update.items()},
        "$set": {**update.get("$set", {}), "position": position},
    }


def _joined(first: Operators, then: Operators) -> bool:
    """Join `then` into `first` if that has the same effect as both in order; return whether it was joined."""
    if not then.keys() <= _JOINABLE:
        return False
    touched = {_root(path) for fields in first.values() for path in fields}
    same: list[tuple[str, str]] = []
    for operator, fields in then.items():
        for path, value in fields.items():
            if _root(path) in touched:
                before = first.get(operator, {}).get(path)
                if before is None or not _absorbs(operator, before, value):
                    return False
                same.append((operator, path))
    for operator, fields in then.items():
        into = first.setdefault(operator, {})
        for path, value in fields.items():
            added = operator == "$inc" and (operator, path) in same
            into[path] = _sum(into[path], value) if added else value
    return True


def _absorbs(operator: str, before: object, value: object) -> bool:
    """Return whether one use of the operator can replace two on the same path."""
    exact = (int, Decimal)
    return operator == "$set" or (operator == "$inc" and type(before) in exact and type(value) in exact)


def _sum(one: Any, other: Any) -> Any:
    if type(one) is type(other) is int:
        return one + other
    return _DECIMAL128.add(Decimal(one), Decimal(other))


def _root(path: str) -> str:
    return path.partition(".")[0]
