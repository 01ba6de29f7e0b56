"""The markers by which compiler and cost counter recognise Relay connections and lists of outcomes."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, ClassVar

from graphql import GraphQLField, GraphQLSchema, is_object_type
from strawberry.types.field import StrawberryField


class DocumentConnection:
    """The marker of a type some of whose fields show the documents of one page."""

    paged: ClassVar[Collection[str]] = ("nodes", "edges")
    """The names of these fields; each shows at most as many documents as the page has."""


class CommandOutcomes:
    """The marker of a payload whose fields `results` and `errors` have an item for each sent command."""


COMMANDS_AT = "commands_at"
"""The key in a mutation's metadata of the path, from its arguments, to the list of commands that it sends."""


def commands_at(field: GraphQLField) -> tuple[str, ...] | None:
    """Return the path from a mutation's arguments to the list of commands that it sends; `None` without."""
    declared = field.extensions.get("strawberry-definition")
    return declared.metadata.get(COMMANDS_AT) if isinstance(declared, StrawberryField) else None


@cache
def list_mutations(schema: GraphQLSchema) -> Sequence[str]:
    """Return the names of the mutations that send lists of commands."""
    mutations = schema.mutation_type.fields if schema.mutation_type else {}
    return [name for name, field in mutations.items() if commands_at(field)]


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
