"""How a field's value comes from its parent, as the field's own declaration says."""

import ast
import inspect
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import GraphQLField
from strawberry.types.field import StrawberryField

Keys = frozenset[str] | None
"""Of a document; `None` where all may be needed."""


@dataclass(frozen=True)
class Stored:
    """The parent holds it under this name."""

    key: str


@dataclass(frozen=True)
class Derived:
    """A function of the parent alone; it may ask whose field it is."""

    function: Any
    parent: str | None
    """The name of the parameter that takes the parent; the first one's where it is `self`."""
    info: str | None


def way_of(field: GraphQLField) -> Stored | Derived | None:
    """How the value comes from the parent; `None` where it takes more than the parent."""
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
    """The keys of its document that a field needs, however it is resolved."""
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


@cache
def _keys_read(function: Any, parameter: str) -> Keys:
    """The keys by which a function reads a parameter, if it does nothing else with it."""
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


class Glimpse:
    """What a derived field may see of the operation."""

    __slots__ = ("context", "path")

    def __init__(self, context: Any, path: "FieldPath") -> None:
        self.context = context
        self.path = path


@dataclass(frozen=True)
class FieldPath:
    """The part of a field's path that is the same in every operation."""

    typename: str
    """The type that the field belongs to."""
