"""The documents that a part of the log concerns, and the values by which conditions have found documents.

A change by a condition, such as that of all orders of a customer, does not name the documents.
Only the history tells which documents ever had the value that the condition names. The selection is therefore
generous: it may have documents that nothing has changed, and lacks none.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Change, Filter, ReadModel
from app.cqrs.log.events import RecordedEvent
from app.cqrs.rebuilding.records import NotPossible

Changes = Sequence[tuple[RecordedEvent, Change]]

_ANYTHING = object()
"""Stands for a value that only the document store can tell."""

_WRITES = {"$set", "$setOnInsert", "$push", "$addToSet"}
"""Operators whose values are those that a document has afterwards."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The documents of a read model that are to be made anew; exactly one of the fields is given."""

    document: str | None = None
    """The id of a document, in any collection; or the name of its collection and the id, with a slash."""
    stream: str | None = None
    """The stream whose events concern the documents."""
    since: int | None = None
    """The position of the first event that concerns them, inclusive."""

    def __str__(self) -> str:
        if self.document is not None:
            return f"about the document {self.document}"
        return f"of the stream {self.stream}" if self.since is None else f"from position {self.since} on"

    @property
    def argument(self) -> str:
        """The argument by which an operator chooses these documents."""
        if self.document is not None:
            return "document_id"
        return "stream" if self.since is None else "from_position"

    def has(self, event: RecordedEvent) -> bool:
        """Return whether the documents that this event concerns are selected."""
        return event.stream == self.stream or (self.since is not None and event.position >= self.since)

    def named(self, model: ReadModel) -> Mapping[str, set[str]]:
        """Return the ids that are known without the log, by collection."""
        if self.document is None:
            return {}
        names = {each.name for each in model.collections}
        collection, slash, id = self.document.partition("/")
        if slash and collection in names:
            return {collection: {id}}
        return {name: {self.document} for name in names}


@dataclass(frozen=True)
class Condition:
    """A value at a path, which the documents had that a change has found."""

    collection: str
    path: str
    value: Hashable

    @classmethod
    def of(cls, change: Change) -> "Condition | None":
        """Return the first condition of a change by a filter; `None` if it names no value."""
        for path, value in (change.where or {}).items():
            if not path.startswith("$") and value is not None and not isinstance(value, Mapping | list):
                return cls(change.collection.name, path, value)
        return None


class Selected:
    """The documents that are found while the log is read, from its beginning, as often as `grows` says."""

    def __init__(self, model: ReadModel, selection: Selection) -> None:
        self._selection = selection
        self.ids: defaultdict[str, set[str]] = defaultdict(set)
        """The ids of the documents, by collection."""
        for name, ids in selection.named(model).items():
            self.ids[name] |= ids
        self._conditions: defaultdict[tuple[str, str], set[Hashable]] = defaultdict(set)
        """The values of conditions, by collection and path."""
        self.grows = False
        """True if a condition was found meanwhile, so that earlier events have to be read again."""

    @property
    def count(self) -> int:
        """The number of documents."""
        return sum(map(len, self.ids.values()))

    def read(self, changes: Changes) -> None:
        """Select the documents that these changes concern; raise `NotPossible`."""
        for event, change in changes:
            name = change.collection.name
            if change.where is None:
                if self._selection.has(event) or self._meets(change):
                    self.ids[name].add(str(change.id))
            elif self._selection.has(event) or self._meets(change):
                condition = Condition.of(change)
                if condition is None:
                    raise NotPossible(
                        f"{event.type} at position {event.position} changes documents of {name} by a "
                        "condition that names no value, so that only a rebuild of the whole read model finds "
                        "them. Rebuild it without choosing documents.",
                        argument=self._selection.argument,
                    )
                values = self._conditions[condition.collection, condition.path]
                self.grows = self.grows or condition.value not in values
                values.add(condition.value)

    def _meets(self, change: Change) -> bool:
        """Return whether a change may have given a document the value of a condition."""
        return any(
            value is _ANYTHING or value in wanted
            for (collection, path), wanted in self._conditions.items()
            if collection == change.collection.name
            for value in values_at(change, path)
        )


class Concerning:
    """The changes that concern some documents, taken from the log in its order."""

    def __init__(self, ids: Mapping[str, set[str]]) -> None:
        self._ids = ids
        self.changes: list[tuple[RecordedEvent, Change]] = []
        self._given: dict[tuple[str, str], set[Hashable]] = {}
        """The values that the documents may have had, by collection and path, at the paths of conditions."""

    def take(self, changes: Iterable[tuple[RecordedEvent, Change]]) -> None:
        """Take those changes that may concern the documents."""
        for event, change in changes:
            name = change.collection.name
            if change.where is None:
                if change.id not in self._ids.get(name, ()):
                    continue
            elif not self._ids.get(name) or not self._may_find(change):
                continue
            self.changes.append((event, change))
            for (collection, path), given in self._given.items():
                if collection == name:
                    given.update(values_at(change, path))

    def _may_find(self, change: Change) -> bool:
        condition = Condition.of(change)
        if condition is None:
            return True
        at = condition.collection, condition.path
        if at not in self._given:
            before = (each for _, each in self.changes if each.collection.name == condition.collection)
            self._given[at] = {value for each in before for value in values_at(each, condition.path)}
        return bool(self._given[at] & {condition.value, _ANYTHING})


def values_at(change: Change, path: str) -> Iterator[Hashable]:
    """Yield the values that a change may give to a document at a path, or `_ANYTHING`."""
    steps = path.split(".")
    if change.document is not None:
        yield from _within(change.document, steps)
    for operator, fields in (change.update or {}).items():
        for written, value in fields.items():
            # An index or a filter of items, as in `lines.$[line].sku`, chooses among the items of a list.
            to = [step for step in written.split(".") if not step.startswith("$") and not step.isdigit()]
            if to[: len(steps)] != steps[: len(to)]:
                continue
            if operator not in _WRITES or len(to) > len(steps):
                yield _ANYTHING
            elif isinstance(value, Mapping) and "$each" in value:
                yield from _within(value["$each"], steps[len(to) :])
            else:
                yield from _within(value, steps[len(to) :])


def _within(value: Any, steps: Sequence[str]) -> Iterator[Hashable]:
    """Yield the values at the end of a path; in a list, those of each item."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _within(each, steps)
    elif steps:
        if isinstance(value, Mapping) and steps[0] in value:
            yield from _within(value[steps[0]], steps[1:])
    elif isinstance(value, Hashable):
        yield value


def limited(change: Change, ids: Iterable[str]) -> Filter:
    """Return the filter of a change by a condition, for these documents only."""
    return {"$and": [dict(change.where or {}), {"_id": {"$in": [*ids]}}]}
