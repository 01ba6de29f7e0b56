"""Changes of one collection, joined and translated into as few operations of MongoDB as possible."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from app.cqrs.documents.read_model import Change, Document, Filter
from app.stores.mongo.writes.new_documents import NotComputed, total, updated

MOST = 10_000
"""Documents written in one call: a call that writes more could time out as if the store hung."""

FEW = 100
"""Documents up to which a change of many is made one by one, so that other changes can be joined to it."""

Operation = ReplaceOne[Document] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
Operators = dict[str, dict[str, Any]]

_JOINABLE = {"$set", "$inc", "$push"}


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
class _Put:
    id: str
    document: Document

    def operation(self) -> Operation:
        return ReplaceOne({"_id": self.id}, self.document, upsert=True)


@dataclass(frozen=True)
class _Delete:
    id: str

    def operation(self) -> Operation:
        return DeleteOne({"_id": self.id})


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


_Change = _Update | _Put | _Delete | _ChangeOfMany


class Operations:
    """An ordered list of changes that joins successive updates of the same document.

    A document that many events change is thus written once, which makes a rebuild several times faster.
    """

    def __init__(self) -> None:
        self._changes: list[_Change] = []
        self._updates: dict[str, _Update] = {}
        """By document id: its last change, if another one can be joined to that."""

    def add(self, id: str, change: Change, position: int) -> None:
        """Add a change of one document, which also sets the document's position to that of the event."""
        if change.document is not None:
            self._changes.append(_Put(id, {**change.document, "position": position}))
            self._updates.pop(id, None)
            return
        if change.delete:
            self._changes.append(_Delete(id))
            self._updates.pop(id, None)
            return
        operators = _operators(change, position)
        last = self._updates.get(id)
        joinable = last and last.upsert >= change.upsert and not change.array_filters
        if last and joinable:
            # A document that was just changed is there; nothing is set on insert any more.
            later = {operator: fields for operator, fields in operators.items() if operator != "$setOnInsert"}
            if _joined(last.operators, later):
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

    @property
    def may_insert(self) -> list[str]:
        """The ids of documents that are inserted if they do not exist, each once."""
        return [
            *dict.fromkeys(
                one.id
                for one in self._changes
                if isinstance(one, _Put) or (isinstance(one, _Update) and one.upsert)
            )
        ]

    def take_inserts(self, existing: Collection[str]) -> list[InsertOne[Document]]:
        """Remove what makes or changes new documents, and return it as inserts, to be made before the rest.

        `existing` are the ids of the documents that exist. What can't be computed here remains.
        """
        made: dict[str, Document] = {}
        remaining: list[_Change] = []
        left = {*existing}
        """The ids whose further changes remain, because an earlier one does."""
        for one in self._changes:
            if isinstance(one, _ChangeOfMany):
                left.update(one.ids)
                remaining.append(one)
                continue
            if one.id not in left:
                try:
                    made[one.id] = _made(one, made.get(one.id))
                    continue
                except NotComputed:
                    left.add(one.id)
            remaining.append(one)
        self._changes = remaining
        self._updates.clear()
        return [InsertOne({"_id": id, **document}) for id, document in made.items()]

    def take(self) -> list[list[Operation]]:
        """Remove all operations and return them, in portions for one call each."""
        portions: list[list[Operation]] = []
        room = 0
        for one in self._changes:
            weight = len(one.ids) if isinstance(one, _ChangeOfMany) else 1
            if weight > room:
                portions.append([])
                room = MOST
            portions[-1].append(one.operation())
            room -= weight
        self._changes.clear()
        self._updates.clear()
        return portions


def _made(one: _Update | _Put | _Delete, document: Document | None) -> Document:
    """Return what a change makes of a new document, which is `None` before it exists; raise `NotComputed`."""
    match one:
        case _Put():
            if any(key == "_id" or key.startswith("$") for key in one.document):
                raise NotComputed
            return one.document
        case _Update(array_filters=()) if document is not None or one.upsert:
            return updated(document or {}, one.operators, inserted=document is None)
    raise NotComputed


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
            into[path] = total(into[path], value) if added else value
    return True


def _absorbs(operator: str, before: object, value: object) -> bool:
    """Return whether one use of the operator can replace two on the same path."""
    exact = (int, Decimal)
    return operator == "$set" or (operator == "$inc" and type(before) in exact and type(value) in exact)


def _root(path: str) -> str:
    return path.partition(".")[0]
