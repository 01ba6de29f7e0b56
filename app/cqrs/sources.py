"""What an answer was made of, so that it can be told which changes make it another."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents import Sort
from app.cqrs.read_model import Change, Collection, Document, Filter


class Effect:
    """What a change may do to the choice of documents."""

    def __init__(self, change: Change) -> None:
        self.change = change
        update = change.update or {}
        self._paths = ["position", *(path for fields in update.values() for path in fields)]
        self._touches: dict[frozenset[str], bool] = {}

    def touches(self, paths: frozenset[str]) -> bool:
        """Whether something at one of these paths, above or below it may be another then."""
        if (known := self._touches.get(paths)) is None:
            pairs = itertools.product(self._paths, paths)
            known = self._touches[paths] = any(
                f"{a}.".startswith(f"{b}.") or f"{b}.".startswith(f"{a}.") for a, b in pairs
            )
        return known


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """How documents were chosen, if not by their ids: by what decides it, or, by default, by anything."""

    paths: frozenset[str] | None = None
    """In a document, to what decides whether it is one of them, and in which order."""
    filter: Filter | None = None
    """What a document has to fit to be shown; it was shown by its id before."""

    def may_change_by(self, effect: Effect) -> bool:
        """Whether other documents may be chosen after a change of one that was not shown."""
        change = effect.change
        if change.document is not None:
            return self.filter is None or not _excludes(self.filter, change.document)
        return self.paths is None or change.upsert or effect.touches(self.paths)


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """Documents of a collection that were shown, and how they were chosen."""

    collection: Collection
    ids: Sequence[str] = ()
    choice: Choice | None = None


def all_of(collection: Collection) -> Source:
    """Whatever there is."""
    return Source(collection, choice=Choice())


def counted(collection: Collection, filter: Filter) -> Source:
    """The number of documents that fit a filter."""
    return Source(collection, choice=Choice(_deciding(filter)))


def listed(collection: Collection, filter: Filter, sort: Sort, documents: Sequence[Document]) -> Source:
    """These documents, as all that fit a filter, or as the first of them in an order."""
    paths = _deciding(filter, (path for path, _ in sort))
    return Source(collection, [document["_id"] for document in documents], Choice(paths, filter))


def _deciding(filter: Filter, others: Iterable[str] = ()) -> frozenset[str] | None:
    paths = frozenset([*_paths(filter), *others])
    return None if any(path.startswith("$") for path in paths) else paths


def _paths(filter: Filter) -> Iterator[str]:
    """The paths of a filter, and the operators that it can't be seen through."""
    for path, condition in filter.items():
        if path in {"$and", "$or", "$nor"}:
            for each in condition:
                yield from _paths(each)
        else:
            yield path


def _excludes(filter: Filter, document: Document) -> bool:
    """Whether the document does not fit: a text that it has is none of those that are asked for."""
    for path, condition in filter.items():
        match condition:
            case str():
                wanted: list[Any] = [condition]
            case {"$in": [*wanted]} if all(isinstance(each, str) for each in wanted):
                pass
            case _:
                continue
        value: Any = document
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value not in wanted:
            return True
    return any(_excludes(each, document) for each in filter.get("$and", ()))
