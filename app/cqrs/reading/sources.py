"""What an answer was made of, so that it can be told which changes make it another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.cqrs.documents.read_model import Change, Collection, Document, Filter
from app.cqrs.documents.store import Sort


@dataclass(frozen=True, slots=True)
class Choice:
    """How documents were chosen, if not by their ids: by what decides it, or, by default, by anything."""

    paths: frozenset[str] | None = None
    """In a document, to what decides whether it is one of them, and in which order."""
    text: tuple[str, tuple[str, ...]] | None = None
    """A path, and the texts of which a document has one there, if it is one of them."""


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
    ids = [document["_id"] for document in documents]
    return Source(collection, ids, Choice(paths, next(_texts(filter), None)))


def concerns(change: Change, ids: frozenset[str] | None, source: Source) -> bool:
    """Whether a change, of documents with these ids or `None` for whichever, may change what was shown."""
    if change.collection.name != source.collection.name:
        return False
    if ids is None or not ids.isdisjoint(source.ids):
        return True
    return source.choice is not None and may_choose(source.choice, change)


def may_choose(choice: Choice, change: Change) -> bool:
    """Whether a change of a document that was not shown may add it, or have another chosen.

    `Choices` says the same of many at once.
    """
    if change.delete:  # Whether the document that is gone was one of them is not known any more.
        return True
    if change.document is None:
        return choice.paths is None or change.upsert or overlap(choice.paths, touched(change))
    if choice.text is None:
        return True
    path, texts = choice.text
    text = text_at(change.document, path)
    return text is None or text in texts


def touched(change: Change) -> set[str]:
    """The paths in a document to what a change writes."""
    paths = {"position"}
    for operator, fields in (change.update or {}).items():
        paths.update(map(_plain, fields))
        if operator == "$rename":
            paths.update(map(_plain, fields.values()))
    return paths


def overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether one of the paths leads to one of the others, or to what is above or below it."""
    ends = [f"{path}." for path in others]
    return any(end.startswith(f"{path}.") or f"{path}.".startswith(end) for path in some for end in ends)


def reads_elsewhere(pipeline: object) -> bool:
    """Whether an aggregation looks into other collections, too."""
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
    """The path without places in a list, such as `0` or `$[]`."""
    steps = path.split(".")
    return ".".join(step for step in steps if not (step.isdigit() or step.startswith("$")))


def _paths(filter: Filter) -> Iterator[str]:
    """The paths of a filter, and the operators that it can't be seen through."""
    for path, condition in filter.items():
        if path in {"$and", "$or", "$nor"}:
            for each in condition:
                yield from _paths(each)
        else:
            yield path


def _texts(filter: Filter) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The paths at which what fits has one of some texts."""
    for path, condition in filter.items():
        match condition:
            case str():
                yield path, (condition,)
            case {"$in": [*texts], **others} if not others and all(isinstance(text, str) for text in texts):
                yield path, tuple(texts)
            case list() if path == "$and":
                for each in condition:
                    yield from _texts(each)


def text_at(document: Document, path: str) -> str | None:
    """The text at a path in a document, if it is one."""
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
