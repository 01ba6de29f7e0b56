"""How scalars and enums become what an answer shows; the types themselves say how."""

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

from app.graphql.execution.written import shown_big_int, shown_datetime

Complete = Callable[[Any], Any]


class Unfit(Exception):
    """A value is not what its type promises; graphql-core knows what is to be said about it."""


def refuse(value: object) -> None:
    """Raises `Unfit` for what is no value: nothing, an error, or something to wait for."""
    if value is None or value is Undefined or isinstance(value, Exception) or hasattr(value, "__await__"):
        raise Unfit


_PLAIN = frozenset({str, int, Decimal, UUID, date})

_SHOWN_AS_THEY_ARE = {
    GraphQLString.name: "{v}.__class__ is str",
    GraphQLID.name: "{v}.__class__ is str",
    GraphQLInt.name: "{v}.__class__ is int and -2147483648 <= {v} <= 2147483647",
    GraphQLBoolean.name: "{v}.__class__ is bool",
}

_SHORT_WAYS: dict[Complete, tuple[str, str]] = {
    str: ("{v}.__class__ in PLAIN", "str({v})"),
    shown_datetime: ("{v}.__class__ is datetime", "shown_datetime({v})"),
    shown_big_int: ("{v}.__class__ is int", "str({v})"),
}


@dataclass(frozen=True)
class Leaf:
    """How the values of a leaf type are shown. `usual` and `shown` are source about a value `{v}`."""

    complete: Complete
    """For any value; raises anything for what does not fit."""
    usual: str | None = None
    """Which values are shown the short way."""
    shown: str = "{v}"
    """The short way."""


def leaf(kind: GraphQLLeafType) -> Leaf:
    """How values of this type are shown, as the type itself does it."""
    complete = _completion(kind)
    if isinstance(kind, GraphQLEnumType):
        return Leaf(complete)
    if kind.name in _SHOWN_AS_THEY_ARE:
        return Leaf(complete, _SHOWN_AS_THEY_ARE[kind.name])
    return Leaf(complete, *_SHORT_WAYS.get(kind.coerce_output_value, ()))


KNOWN = {"PLAIN": _PLAIN, "datetime": datetime, "shown_datetime": shown_datetime}
"""What that source uses."""


class Names(dict[Any, str]):
    """The names of an enum's values, each looked up in the type once."""

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
            raise Unfit
        return shown

    return complete
