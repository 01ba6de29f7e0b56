"""The marker by which the compiler and the cost counter recognise Relay connections."""

from typing import Any

from graphql import is_object_type


class DocumentConnection:
    """The marker of a type whose fields `nodes` and `edges` show the documents of one page."""


def is_connection(kind: Any) -> bool:
    """Return whether a type of the schema is a connection."""
    declared = kind.extensions.get("strawberry-definition") if is_object_type(kind) else None
    return issubclass(getattr(declared, "origin", object), DocumentConnection)
