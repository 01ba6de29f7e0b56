"""The changes of one collection as MongoDB's operations, no more of them than it takes."""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from pymongo import ReplaceOne, UpdateOne

from app.cqrs.read_model import Change, Document

Operation = ReplaceOne[Document] | UpdateOne
Operators = dict[str, dict[str, Any]]

_JOINABLE = {"$set", "$inc", "$push"}
_DECIMAL128 = Context(prec=34)


@dataclass
class _Update:
    id: str
    operators: Operators
    upsert: bool


class Operations:
    """Changes in their order; updates of the same document, one after the other, are made as one.

    So a document that many events change is written once: rebuilding depends on it.
    """

    def __init__(self) -> None:
        self._changes: list[_Update | Operation] = []
        self._updates: dict[str, _Update] = {}
        """The last change of each document, where it is one that another can be joined to."""

    def add(self, id: str, change: Change, position: int) -> None:
        """One more change, which is stamped with the position of its event."""
        if change.document is not None:
            self._changes.append(
                ReplaceOne({"_id": id}, {**change.document, "position": position}, upsert=True)
            )
            self._updates.pop(id, None)
            return
        update = change.update or {}
        operators: Operators = {
            **{operator: dict(fields) for operator, fields in update.items()},
            "$set": {**update.get("$set", {}), "position": position},
        }
        last = self._updates.get(id)
        if not (last and last.upsert >= change.upsert and _joined(last.operators, operators)):
            self._updates[id] = one = _Update(id, operators, change.upsert)
            self._changes.append(one)

    def take(self) -> list[Operation]:
        """All operations so far, which are then forgotten."""
        operations = [
            UpdateOne({"_id": one.id}, one.operators, upsert=one.upsert) if isinstance(one, _Update) else one
            for one in self._changes
        ]
        self._changes.clear()
        self._updates.clear()
        return operations


def _joined(first: Operators, then: Operators) -> bool:
    """Adds to `first` what `then` does, if both after each other come to the same."""
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
    """Whether the same operator on the same path can be done once for both."""
    exact = (int, Decimal)
    return operator == "$set" or (operator == "$inc" and type(before) in exact and type(value) in exact)


def _sum(one: Any, other: Any) -> Any:
    if type(one) is type(other) is int:
        return one + other
    return _DECIMAL128.add(Decimal(one), Decimal(other))


def _root(path: str) -> str:
    return path.partition(".")[0]
