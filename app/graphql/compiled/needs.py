"""The fields that a selection needs of the documents that a GraphQL field reads."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList

from app.cqrs.documents.store import Fields
from app.graphql.admission.connections import is_connection
from app.graphql.compiled.parents import Stored, keys_declared, keys_of, value_source
from app.graphql.compiled.shapes import Collect


def needed(schema: GraphQLSchema, field: GraphQLField, details: FieldDetailsList, collect: Collect) -> Fields:
    """Return the needed keys of the documents that a field returns, directly or as a connection."""
    kind: Any = get_named_type(field.type)
    if is_leaf_type(kind):
        return None
    shown: list[tuple[Any, FieldDetailsList]] = [(kind, details)]
    if is_connection(kind):
        shown = []
        for selected in collect(kind, details).values():
            match selected[0].node.name.value:
                case "nodes":
                    shown.append((_type(kind, "nodes"), selected))
                case "edges":
                    edge = _type(kind, "edges")
                    shown += [
                        (_type(edge, "node"), of_node)
                        for of_node in collect(edge, selected).values()
                        if of_node[0].node.name.value == "node"
                    ]
    paths: set[str] = set(_of_edges(kind, details, collect)) if is_connection(kind) else set()
    for composite, selected in shown:
        kinds = [composite] if is_object_type(composite) else schema.get_possible_types(composite)
        for each in kinds:
            found = _paths(each, selected, collect)
            if found is None:
                return None
            paths |= found
    return tuple(sorted(paths))


def _of_edges(kind: Any, details: FieldDetailsList, collect: Collect) -> Iterator[str]:
    """Yield the keys that edges show of a document beside its node: those that their fields declare."""
    for selected in collect(kind, details).values():
        if selected[0].node.name.value == "edges":
            edge = _type(kind, "edges")
            for of_edge in collect(edge, selected).values():
                field = edge.fields.get(of_edge[0].node.name.value)
                yield from keys_declared(field) if field else ()


def _paths(kind: Any, details: FieldDetailsList, collect: Collect) -> frozenset[str] | None:
    """Return the paths to everything selected of a document of this type; `None` if all may be needed."""
    paths: set[str] = set()
    for of_field in collect(kind, details).values():
        name = of_field[0].node.name.value
        if name == "__typename":
            continue
        field = kind.fields[name]
        keys = keys_of(field)
        if keys is None:
            return None
        within = _within(field, of_field, collect)
        paths.update(f"{key}.{path}" for key in keys for path in within) if within else paths.update(keys)
    return frozenset(paths)


def _within(field: GraphQLField, details: FieldDetailsList, collect: Collect) -> frozenset[str] | None:
    """Return the needed paths within the objects that a document holds for a field; `None` for all of them.

    An object that may be null is read whole, because with paths the store would not show that it is null.
    """
    if not isinstance(value_source(field), Stored):
        return None
    kind: Any = field.type
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        if isinstance(kind, GraphQLList) and not isinstance(kind.of_type, GraphQLNonNull):
            return None
        kind = kind.of_type
    if not isinstance(field.type, GraphQLNonNull) or not is_object_type(kind):
        return None
    return _paths(kind, details, collect)


def _type(kind: Any, field: str) -> Any:
    return get_named_type(kind.fields[field].type)
