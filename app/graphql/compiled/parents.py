"""The source of a field's value in its parent, as the field's declaration defines it."""

import ast
import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import GraphQLField
from strawberry.types.field import StrawberryField

Keys = frozenset[str] | None
"""Keys of a document; `None` if all may be needed."""


@dataclass(frozen=True)
class Stored:
    """A value that the parent holds under a key."""

    key: str


@dataclass(frozen=True)
class Derived:
    """A value that a function makes of the parent alone; the function may take a `FieldInfo`."""

    function: Any
    parent: str | None
    """The name of the parameter that takes the parent; `None` if it is `self`."""
    info: str | None


def value_source(field: GraphQLField) -> Stored | Derived | None:
    """Return the source of a field's value; `None` if it needs more than the parent."""
    declared = field.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryField) or declared.extensions or field.args or declared.is_async:
        return None
    resolver = declared.base_resolver
    if resolver is None:
        return Stored(declared.python_name)
    if resolver.root_parameter:
        return None
    return Derived(
        function=resolver.wrapped_func,
        parent=resolver.parent_parameter.name if resolver.parent_parameter else None,
        info=resolver.info_parameter.name if resolver.info_parameter else None,
    )


def keys_of(field: GraphQLField) -> Keys:
    """Return the keys that a field needs of its document, whether or not it is compiled."""
    declared = field.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryField) or declared.extensions:
        return None
    resolver = declared.base_resolver
    if resolver is None:
        return frozenset([declared.python_name])
    return (
        _keys_read(resolver.wrapped_func, resolver.parent_parameter.name)
        if resolver.parent_parameter
        else None
    )


KEYS = "keys"
"""The name in a field's metadata of the keys that it needs of the document whose edge it belongs to."""


def keys_declared(field: GraphQLField) -> Sequence[str]:
    """Return the keys that a field of an edge declares to need of the edge's document."""
    declared = field.extensions.get("strawberry-definition")
    keys: Sequence[str] = declared.metadata.get(KEYS, ()) if isinstance(declared, StrawberryField) else ()
    return keys


@cache
def _keys_read(function: Any, parameter: str) -> Keys:
    """Return the keys with which a function reads a parameter; `None` if it uses the parameter otherwise."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    keys, uses = set(), 0
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(ast.Name(id=name), ast.Constant(value=str() as key), ast.Load()) if (
                name == parameter
            ):
                keys.add(key)
                uses -= 1
            case ast.Name(id=name) if name == parameter:
                uses += 1
    return frozenset(keys) if uses == 0 else None


class FieldInfo:
    """The part of the resolver's information that a derived field may use."""

    __slots__ = ("context", "path")

    def __init__(self, context: Any, path: "FieldPath") -> None:
        self.context = context
        self.path = path


@dataclass(frozen=True)
class FieldPath:
    """The part of a field's path that is equal in all operations."""

    typename: str
    """The type that the field belongs to."""
