"""The limits of lists that a client sends: in arguments, in variables, and of consistency tokens."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, NullValueNode, ObjectValueNode, ValueNode

MOST_ITEMS = 1_000
"""Items of one list. Some fields allow fewer, and check it themselves: `nodes` and an order allow 100."""

MOST_TOKENS = 100
"""Consistency tokens of one field, and of the header; each may take a look-up in the log."""


def refuse_more(place: str, length: int, most: int) -> None:
    """Raise `GraphQLError` for a list with more than `most` items; `place` is, say, "The variable `$ids`"."""
    if length > most:
        raise GraphQLError(
            f"{place} has a list of {length:,} items. At most {most:,} are allowed: "
            "send several operations with fewer items each.",
            extensions={"code": "LIMIT_EXCEEDED"},
        )


def refuse_long_lists(variables: Mapping[str, Any] | None) -> None:
    """Raise `GraphQLError` if variables have too long a list at any level, before the items are read."""
    for name, value in (variables or {}).items():
        if value.__class__ is list or value.__class__ is dict:
            items_in(value, f"The variable `${name}`")


def items_in(value: Any, place: str = "A variable") -> int:
    """Return the number of items in all lists of a JSON value; raise `GraphQLError` if a list is too long."""
    if isinstance(value, list):
        refuse_more(place, len(value), MOST_ITEMS)
        return len(value) + sum([items_in(each, place) for each in value if isinstance(each, list | dict)])
    if isinstance(value, dict):
        return sum([items_in(each, place) for each in value.values() if isinstance(each, list | dict)])
    return 0


def literal_at(value: ValueNode | None, path: tuple[str, ...]) -> tuple[ValueNode | None, tuple[str, ...]]:
    """Return the value at a path in a literal, or `None`, and the rest of the path within a variable."""
    while path and isinstance(value, ObjectValueNode):
        value = next((each.value for each in value.fields if each.name.value == path[0]), None)
        path = path[1:]
    return (None if isinstance(value, NullValueNode) else value), path
