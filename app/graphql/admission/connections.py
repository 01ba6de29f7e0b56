"""Relay's connections, as the compiler and the counter of costs recognise them."""

from typing import Any

from graphql import is_object_type


class OfDocuments:
    """The mark of a type whose fields `nodes` and `edges` show the documents of one page."""


def is_connection(kind: Any) -> bool:
    """Return whether a type of the schema is a connection; other kinds of types are none."""
    declared = kind.extensions.get("strawberry-definition") if is_object_type(kind) else None
    return issubclass(getattr(declared, "origin", object), OfDocuments)
