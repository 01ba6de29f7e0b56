"""The keys that documents of a read model can have, found in the source of the functions that write them."""

import ast
import inspect
import sys
from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from types import FunctionType
from typing import Any, get_args, get_type_hints

from app.cqrs.documents.audiences import NOBODY
from app.cqrs.documents.read_model import RELEVANCE, Collection, ReadModel
from app.cqrs.fingerprints import syntax_of, words_in
from app.cqrs.messages import Event

OF_EVERY_DOCUMENT = {"_id", "position"}
"""Keys that every document has."""


def keys_written(model: ReadModel) -> set[str]:
    """Return every key that the functions of the read model may write, at any depth.

    These are the words in its functions, and the fields of the events' values, which a function may copy
    as a whole. Raises `NoSource`.
    """
    words = {step for word in words_in(model.projections) for step in word.split(".")}
    names = {name for event_type in model.answers for name in _fields_within(event_type, set())}
    return words | names | OF_EVERY_DOCUMENT


def problems(model: ReadModel, written: AnyCollection[str]) -> Iterator[str]:
    """Yield an error message, with what to do, for each audience, index or order that can't be right."""
    for collection in model.collections:
        yield from _problems_of_audience(collection, written)
        for index in collection.indexes:
            if unknown := _unknown(index, written):
                yield (
                    f"An index of {collection.name} is over {unknown}, which no function of {model.name} "
                    "writes: correct its spelling in `indexes`, or in the function."
                )
    for function in _functions_beside(model):
        if unknown := _unknown(_orders_in(function), written):
            yield (
                f"{function.__qualname__} of {function.__module__} sorts by {unknown}, which no function of "
                f"{model.name} writes: correct its spelling."
            )
        for collection, path in _listed_in(function):
            if owner := _without_index(collection, path):
                yield (
                    f"{function.__qualname__} of {function.__module__} sorts by {path}, but no index serves "
                    f'an owner\'s page: add ("{owner}", "{path}", "_id") to `indexes` of {collection.name}.'
                )


def _problems_of_audience(collection: Collection, written: AnyCollection[str]) -> Iterator[str]:
    audience = collection.seen_by
    if audience == NOBODY:
        yield (
            f"{collection.name} does not declare who may see its documents: give it a `seen_by`, such as "
            "EVERYBODY, STAFF, OPERATORS or owner_at(<path to the id of a customer>)."
        )
    if audience.owner and _unknown([audience.owner], written):
        yield (
            f"The documents of {collection.name} belong to the customer at {audience.owner}, which no "
            f"function of {collection.read_model} writes: correct its spelling in `seen_by`."
        )


def _without_index(collection: Collection, path: str) -> str | None:
    """Return the owner's path if no index serves an owner's page that is sorted by `path`."""
    owner = collection.seen_by.owner
    if owner is None or owner == "_id":  # A customer has at most one document then.
        return None
    served = any(
        paths[:2] == [owner, path]
        for paths in ([each.removeprefix("-") for each in index] for index in collection.indexes)
    )
    return None if served else owner


def _unknown(paths: Iterable[str], written: AnyCollection[str]) -> str | None:
    for path in (path.removeprefix("-") for path in paths):
        if path != RELEVANCE and any(step not in written for step in path.split(".")):
            return path
    return None


def _functions_beside(model: ReadModel) -> Iterator[FunctionType]:
    for name in {inspect.unwrap(each).__module__ for each in model.projections}:
        for value in vars(sys.modules[name]).values():
            if isinstance(value, FunctionType) and value.__module__ == name:
                yield value


def _listed_in(function: FunctionType) -> Iterator[tuple[Collection, str]]:
    """Yield the collections of the listings that a function makes, each with the paths that sort it."""
    for node in ast.walk(syntax_of(function)):
        match node:
            case ast.Call(func=ast.Name(id="Listing"), args=[ast.Name(id=name), *given], keywords=named):
                collection = function.__globals__.get(name)
                orders = [*given[1:2], *(each.value for each in named if each.arg == "order")]
                paths = [path.removeprefix("-") for order in orders for path in _paths_in(order, function)]
                if isinstance(collection, Collection):
                    yield from ((collection, path) for path in dict.fromkeys(paths))


def _orders_in(function: FunctionType) -> Iterator[str]:
    """Yield the paths by which the listings that a function makes are sorted."""
    for node in ast.walk(syntax_of(function)):
        match node:
            case ast.Call(func=ast.Name(id="Listing"), args=[_, _, order, *_]):
                yield from _paths_in(order, function)
            case ast.keyword(arg="order", value=order):
                yield from _paths_in(order, function)


def _paths_in(order: ast.expr, function: FunctionType) -> Iterator[str]:
    annotated = get_type_hints(function)
    for node in ast.walk(order):
        match node:
            case ast.Constant(value=str(path)) if path.removeprefix("-"):
                yield path
            case ast.Attribute(value=ast.Name(id=name), attr="value"):
                kind = annotated.get(name)
                if isinstance(kind, type) and issubclass(kind, Enum):
                    yield from (each.value for each in kind if isinstance(each.value, str))


def _fields_within(kind: Any, seen: set[Any]) -> Iterator[str]:
    if kind in seen or kind is Event:
        return
    seen.add(kind)
    for within in get_args(kind):
        yield from _fields_within(within, seen)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        for field in fields(kind):
            yield field.name
            yield from _fields_within(hints[field.name], seen)
