"""The markers by which compiler and cost counter recognise Relay connections and lists of outcomes."""

from collections.abc import Collection
from typing import Any

from graphql import is_object_type


class DocumentConnection:
    """The marker of a type whose fields `nodes` and `edges` show the documents of one page."""


class CommandOutcomes:
    """The marker of a payload whose fields `results` and `errors` have an item for each sent command."""


COMMANDS_AT = "commands_at"
"""The key in a mutation's metadata of the path, from its arguments, to the list of commands that it sends."""


def is_connection(kind: Any) -> bool:
    """Return whether a type of the schema is a connection."""
    return issubclass(_origin(kind), DocumentConnection)


def multiplied_fields(kind: Any) -> Collection[str]:
    """Return the fields of a type that have as many items as the arguments of the field around it say."""
    if issubclass(_origin(kind), CommandOutcomes):
        return "results", "errors"
    return ("nodes", "edges") if is_connection(kind) else ()


def _origin(kind: Any) -> type:
    declared = kind.extensions.get("strawberry-definition") if is_object_type(kind) else None
    origin: type = getattr(declared, "origin", object)
    return origin
