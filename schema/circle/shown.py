"""The types of the schema that show documents, and which of their fields show what of a document."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeVar

from graphql import GraphQLObjectType

from app.cqrs.documents.read_model import Collection
from app.graphql.compiled.parents import keys_of

T = TypeVar("T")

_SHOWN: dict[str, tuple[Collection, type]] = {}


def shows(collection: Collection) -> Callable[[type[T]], type[T]]:
    """Declare the type that shows the documents of a collection; raises `ValueError` for a second one."""

    def declare(kind: type[T]) -> type[T]:
        if collection.name in _SHOWN:
            raise ValueError(f"{collection.name} is shown by {_SHOWN[collection.name][1].__name__} already")
        _SHOWN[collection.name] = collection, kind
        return kind

    return declare


def shown_documents() -> Iterator[tuple[Collection, type]]:
    """Yield each collection that has a type, with the type."""
    yield from _SHOWN.values()


def shown_by(collection_name: str) -> type | None:
    """Return the type that shows the documents of a collection; `None` where none does."""
    _, kind = _SHOWN.get(collection_name, (None, None))
    return kind


@lru_cache(1_000)
def fields_showing(kind: GraphQLObjectType, written: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of a type that may have other values after these keys of its document were written.

    The position is written with everything.
    """
    keys = {name: keys_of(field) for name, field in kind.fields.items()}
    changed = {*written, "position"}
    return tuple(name for name, needed in keys.items() if needed is None or needed & changed)
