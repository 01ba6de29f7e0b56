"""The serialization of scalars and enums, as their types define it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)

from app.graphql.execution.json_values import big_int_text, datetime_text

Complete = Callable[[Any], Any]


class UnexpectedValue(Exception):
    """A value does not match its type; graphql-core then completes it, or reports the error."""


def refuse(value: object) -> None:
    """Raise `UnexpectedValue` for null, an exception and an awaitable, which are no values of a leaf type."""
    if value is None or value is Undefined or isinstance(value, Exception) or hasattr(value, "__await__"):
        raise UnexpectedValue


_PLAIN = frozenset({str, int, Decimal, UUID, date})

_SHOWN_AS_THEY_ARE = {
    GraphQLString.name: "{v}.__class__ is str",
    GraphQLID.name: "{v}.__class__ is str",
    GraphQLInt.name: "{v}.__class__ is int and -2147483648 <= {v} <= 2147483647",
    GraphQLBoolean.name: "{v}.__class__ is bool",
}

_SHORT_WAYS: dict[Complete, tuple[str, str]] = {
    str: ("{v}.__class__ in PLAIN", "str({v})"),
    datetime_text: ("{v}.__class__ is datetime", "datetime_text({v})"),
    big_int_text: ("{v}.__class__ is int", "str({v})"),
}


@dataclass(frozen=True)
class Leaf:
    """The serialization of a leaf type; `usual` and `shown` are Python source about a value `{v}`."""

    complete: Complete
    """A function for any value; it raises an exception of any type if the value does not match."""
    usual: str | None = None
    """The condition for values that `shown` serializes; `None` if there are none."""
    shown: str = "{v}"
    """The faster expression for these values."""


def leaf(kind: GraphQLLeafType) -> Leaf:
    """Return the serialization of a leaf type."""
    complete = _completion(kind)
    if isinstance(kind, GraphQLEnumType):
        return Leaf(complete)
    if kind.name in _SHOWN_AS_THEY_ARE:
        return Leaf(complete, _SHOWN_AS_THEY_ARE[kind.name])
    return Leaf(complete, *_SHORT_WAYS.get(kind.coerce_output_value, ()))


KNOWN = {"PLAIN": _PLAIN, "datetime": datetime, "datetime_text": datetime_text}
"""The names that this source uses."""


class Names(dict[Any, str]):
    """A cache of the names of an enum's values."""

    def __init__(self, kind: GraphQLEnumType) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, value: Any) -> str:
        refuse(value)
        name = self[value] = self._kind.coerce_output_value(value)
        return name


def _completion(kind: GraphQLLeafType) -> Complete:
    if isinstance(kind, GraphQLEnumType):
        return Names(kind).__getitem__
    coerce = kind.coerce_output_value
    usual: set[type] = set()

    def complete(value: Any) -> Any:
        if value.__class__ not in usual:
            refuse(value)
            usual.add(value.__class__)
        shown = coerce(value)
        if shown is None or shown is Undefined:
            raise UnexpectedValue
        return shown

    return complete
