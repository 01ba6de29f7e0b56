"""The sources of an answer, which decide when it is stale: its documents, and their choice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Change, Collection, Document, Filter
from app.cqrs.documents.store import Sort


@dataclass(frozen=True, slots=True)
class Choice:
    """The criteria by which documents were chosen, other than ids; by default, any change may affect them."""

    paths: frozenset[str] | None = None
    """The paths in a document that decide whether and in which order it is chosen; `None` for all."""
    text: tuple[str, tuple[str, ...]] | None = None
    """A path, and texts of which each chosen document has one there, alone or in a list; `None` without."""


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """Documents of a collection that an answer shows, and how they were chosen."""

    collection: Collection
    ids: Sequence[str] = ()
    choice: Choice | None = None


def all_of(collection: Collection) -> Source:
    """Return the source of an answer that depends on the whole collection."""
    return Source(collection, choice=Choice())


def counted(collection: Collection, filter: Filter) -> Source:
    """Return the source of the number of documents that fit a filter."""
    return Source(collection, choice=Choice(_deciding(filter)))


def listed(collection: Collection, filter: Filter, sort: Sort, documents: Sequence[Document]) -> Source:
    """Return the source of `documents`, which fit a filter, all of them or the first in an order."""
    paths = _deciding(filter, (path for path, _ in sort))
    ids = [document["_id"] for document in documents]
    return Source(collection, ids, Choice(paths, next(_texts(filter), None)))


def touched(change: Change) -> set[str]:
    """Return the paths in a document that a change writes to."""
    paths = {"position"}
    for operator, fields in (change.update or {}).items():
        paths.update(map(_plain, fields))
        if operator == "$rename":
            paths.update(map(_plain, fields.values()))
    return paths


def texts_after(change: Change) -> dict[str, Sequence[str]]:
    """Return texts that each document has after an update, by path, as far as the update tells them."""
    written = touched(change)
    texts: dict[str, Sequence[str]] = {
        path: (text,) for path, text in (change.known or {}).items() if not overlap((path,), written)
    }
    for path, value in (change.update or {}).get("$set", {}).items():
        if isinstance(value, str) and _plain(path) == path:
            texts[path] = (value,)
    return texts


def overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether one of the paths equals, contains or lies within one of the others."""
    ends = [f"{path}." for path in others]
    return any(end.startswith(f"{path}.") or f"{path}.".startswith(end) for path in some for end in ends)


def reads_elsewhere(pipeline: object) -> bool:
    """Return whether an aggregation reads other collections, too."""
    match pipeline:
        case dict():
            operators = {"$lookup", "$graphLookup", "$unionWith"}
            return not operators.isdisjoint(pipeline) or any(map(reads_elsewhere, pipeline.values()))
        case list() | tuple():
            return any(map(reads_elsewhere, pipeline))
        case _:
            return False


def _deciding(filter: Filter, others: Iterable[str] = ()) -> frozenset[str] | None:
    paths = [*_paths(filter), *others]
    return None if any(path.startswith("$") for path in paths) else frozenset(map(_plain, paths))


def _plain(path: str) -> str:
    """Return the path without list positions, such as `0` or `$[]`."""
    steps = path.split(".")
    return ".".join(step for step in steps if not (step.isdigit() or step.startswith("$")))


def _paths(filter: Filter) -> Iterator[str]:
    """Yield the paths of a filter, and the operators whose paths are not known."""
    for path, condition in filter.items():
        if path in {"$and", "$or", "$nor"}:
            for each in condition:
                yield from _paths(each)
        else:
            yield path


def _texts(filter: Filter) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the paths at which each document that fits has one of some texts."""
    for path, condition in filter.items():
        match condition:
            case str():
                yield path, (condition,)
            case {"$in": [*texts], **others} if not others and all(isinstance(text, str) for text in texts):
                yield path, tuple(texts)
            case list() if path == "$and":
                for each in condition:
                    yield from _texts(each)


def texts_at(document: Document, path: str) -> Sequence[str] | None:
    """Return the text, or the list of texts, at a path in a document; `None` for anything else."""
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, str):
        return (value,)
    is_texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return value if is_texts else None
