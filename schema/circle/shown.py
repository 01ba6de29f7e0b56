"""The types that show documents, and the keys of a document that each of their fields shows."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from graphql import GraphQLObjectType
from strawberry.types.base import get_object_definition

from app.cqrs.documents.audiences import OPERATORS
from app.cqrs.documents.read_model import Collection, ReadModel
from app.cqrs.viewers import Scope, Sight
from app.graphql.compiled.parents import keys_of

T = TypeVar("T")

_SEEN_BY = {
    None: "Seen only by the customer to whom it belongs, by staff and by operators.",
    Sight.STAFF: "Seen only by staff and operators.",
    Sight.OPERATOR: "Seen only by operators.",
}
"""Sentences for clients by the sight with which a viewer sees all documents; `None` if these have owners."""

_SHOWN: dict[str, tuple[Collection, type]] = {}
_SUBJECTS: dict[str, type] = {}
"""The types that clients see for aggregates, by the aggregates' kinds."""


def shows(collection: Collection, *, kinds: Sequence[str] = ()) -> Callable[[type[T]], type[T]]:
    """Declare the type that shows the documents of a collection.

    Clients also see this type for aggregates of `kinds`, for example as the subject of their events. Raises
    `ValueError` where the collection or a kind has a type already.
    """

    def declare(kind: type[T]) -> type[T]:
        if collection.name in _SHOWN:
            raise ValueError(f"{collection.name} is shown by {_SHOWN[collection.name][1].__name__} already")
        for each in kinds:
            if each in _SUBJECTS:
                raise ValueError(f"The kind {each} belongs to {_SUBJECTS[each].__name__} already")
        definition = get_object_definition(kind, strict=True)
        seen_by = _SEEN_BY.get(collection.seen_by.sight if not collection.seen_by.owner else None)
        definition.description = " ".join(filter(None, [definition.description, seen_by]))
        _SHOWN[collection.name] = collection, kind
        _SUBJECTS.update(dict.fromkeys(kinds, kind))
        return kind

    return declare


def shown_documents() -> Iterator[tuple[Collection, type]]:
    """Yield each collection that a type shows, with the type."""
    yield from _SHOWN.values()


def is_seen_whole(collection_name: str, scope: Scope) -> bool:
    """Return whether a viewer may see every document of a collection, and thus all notices about it.

    A collection that only a newer version of the program knows is for operators.
    """
    collection, _ = _SHOWN.get(collection_name, (None, None))
    return not (collection.seen_by if collection else OPERATORS).filter_for(scope)


def shown_by(collection_name: str) -> type | None:
    """Return the type that shows the documents of a collection, or `None`."""
    _, kind = _SHOWN.get(collection_name, (None, None))
    return kind


def shown_read_models() -> Sequence[ReadModel]:
    """Return the read models whose documents are shown, sorted by name."""
    models = {collection.model for collection, _ in _SHOWN.values() if collection.model}
    return sorted(models, key=lambda model: model.name)


def collection_of(kind: type) -> Collection:
    """Return the collection whose documents a type shows; raise `ValueError` if there is none."""
    for collection, shown in _SHOWN.values():
        if shown is kind:
            return collection
    raise ValueError(f"{kind.__name__} shows no document: decorate it with `@shows(<its collection>)`")


def kinds_of(type_name: str) -> Sequence[str]:
    """Return the kinds of aggregates for which clients see this type."""
    return [kind for kind, shown in _SUBJECTS.items() if shown.__name__ == type_name]


def subject_types() -> Sequence[str]:
    """Return the names of the types that clients see for aggregates, sorted."""
    return sorted({kind.__name__ for kind in _SUBJECTS.values()})


def type_of(kind: str) -> str:
    """Return the name of the type that clients see for aggregates of a kind.

    For a kind that has no type, because a newer version of the program introduced it, the name is made from
    the kind.
    """
    shown = _SUBJECTS.get(kind)
    return shown.__name__ if shown else kind.capitalize()


@lru_cache(1_000)
def fields_showing(kind: GraphQLObjectType, written: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of a type whose values may differ after these keys of its document were written.

    The position counts as written, because every change writes it.
    """
    keys = {name: keys_of(field) for name, field in kind.fields.items()}
    changed = {*written, "position"}
    return tuple(name for name, needed in keys.items() if needed is None or needed & changed)
