"""The types of the schema that show documents, and which of their fields show what of a document."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from graphql import GraphQLObjectType

from app.cqrs.documents.read_model import Collection, ReadModel
from app.graphql.compiled.parents import keys_of

T = TypeVar("T")

_SHOWN: dict[str, tuple[Collection, type]] = {}
_SUBJECTS: dict[str, type] = {}
"""The types of what the kinds of aggregates are to clients."""


def shows(collection: Collection, *, kinds: Sequence[str] = ()) -> Callable[[type[T]], type[T]]:
    """Declare the type that shows the documents of a collection.

    To clients it is also what the events of these kinds of aggregates happen to. Raises `ValueError` for a
    second type.
    """

    def declare(kind: type[T]) -> type[T]:
        if collection.name in _SHOWN:
            raise ValueError(f"{collection.name} is shown by {_SHOWN[collection.name][1].__name__} already")
        for each in kinds:
            if each in _SUBJECTS:
                raise ValueError(f"The kind {each} belongs to {_SUBJECTS[each].__name__} already")
        _SHOWN[collection.name] = collection, kind
        _SUBJECTS.update(dict.fromkeys(kinds, kind))
        return kind

    return declare


def shown_documents() -> Iterator[tuple[Collection, type]]:
    """Yield each collection that has a type, with the type."""
    yield from _SHOWN.values()


def shown_by(collection_name: str) -> type | None:
    """Return the type that shows the documents of a collection; `None` where none does."""
    _, kind = _SHOWN.get(collection_name, (None, None))
    return kind


def shown_read_models() -> Sequence[ReadModel]:
    """Return the read models whose documents are shown, sorted by name."""
    models = {collection.model for collection, _ in _SHOWN.values() if collection.model}
    return sorted(models, key=lambda model: model.name)


def collection_of(kind: type) -> Collection:
    """Return the collection whose documents a type shows; raise `ValueError` where it shows none."""
    for collection, shown in _SHOWN.values():
        if shown is kind:
            return collection
    raise ValueError(f"{kind.__name__} shows no document: decorate it with `@shows(<its collection>)`")


def kinds_of(type_name: str) -> Sequence[str]:
    """Return the kinds of aggregates whose histories happen to nodes of a type."""
    return [kind for kind, shown in _SUBJECTS.items() if shown.__name__ == type_name]


def subject_types() -> Sequence[str]:
    """Return the names of the types of nodes that something happens to, sorted."""
    return sorted({kind.__name__ for kind in _SUBJECTS.values()})


def type_of(kind: str) -> str:
    """Return the name of the type that an aggregate of this kind is to clients.

    Of one that nothing shows, whose events a newer version of the program may have written, it is the kind's.
    """
    shown = _SUBJECTS.get(kind)
    return shown.__name__ if shown else kind.capitalize()


@lru_cache(1_000)
def fields_showing(kind: GraphQLObjectType, written: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of a type that may have other values after these keys of its document were written.

    The position is written with everything.
    """
    keys = {name: keys_of(field) for name, field in kind.fields.items()}
    changed = {*written, "position"}
    return tuple(name for name, needed in keys.items() if needed is None or needed & changed)
