"""The markers by which compiler and cost counter recognise Relay connections and lists of outcomes."""

from collections.abc import Collection
from typing import Any, ClassVar

from graphql import is_object_type


class DocumentConnection:
    """The marker of a type some of whose fields show the documents of one page."""

    paged: ClassVar[Collection[str]] = ("nodes", "edges")
    """The names of these fields; each shows at most as many documents as the page has."""


class CommandOutcomes:
    """The marker of a payload whose fields `results` and `errors` have an item for each sent command."""


COMMANDS_AT = "commands_at"
"""The key in a mutation's metadata of the path, from its arguments, to the list of commands that it sends."""


def is_connection(kind: Any) -> bool:
    """Return whether a type of the schema is a connection."""
    return issubclass(_origin(kind), DocumentConnection)


def multiplied_fields(kind: Any) -> Collection[str]:
    """Return the fields of a type that have as many items as the arguments of the field around it say."""
    origin = _origin(kind)
    if issubclass(origin, CommandOutcomes):
        return "results", "errors"
    return origin.paged if issubclass(origin, DocumentConnection) else ()


def _origin(kind: Any) -> type:
    declared = kind.extensions.get("strawberry-definition") if is_object_type(kind) else None
    origin: type = getattr(declared, "origin", object)
    return origin
