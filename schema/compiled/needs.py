"""Which fields of the documents that a field reads are needed for what is selected of them."""

from typing import Any

from graphql import GraphQLField, GraphQLSchema, get_named_type, is_leaf_type, is_object_type
from graphql.execution.collect_fields import FieldDetailsList

from app.cqrs.documents import Fields
from schema.compiled.parents import keys_of
from schema.compiled.shapes import Collect
from schema.nodes import Connection


def needed(schema: GraphQLSchema, field: GraphQLField, details: FieldDetailsList, collect: Collect) -> Fields:
    """The keys that are needed of the documents which a field shows, itself or as a connection."""
    kind: Any = get_named_type(field.type)
    if is_leaf_type(kind):
        return None
    shown: list[tuple[Any, FieldDetailsList]] = [(kind, details)]
    if _is_connection(kind):
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
    keys: set[str] = set()
    for composite, selected in shown:
        kinds = [composite] if is_object_type(composite) else schema.get_possible_types(composite)
        for each in kinds:
            for of_field in collect(each, selected).values():
                name = of_field[0].node.name.value
                read = frozenset[str]() if name == "__typename" else keys_of(each.fields[name])
                if read is None:
                    return None
                keys |= read
    return tuple(sorted(keys))


def _is_connection(kind: Any) -> bool:
    declared = kind.extensions.get("strawberry-definition")
    return issubclass(getattr(declared, "origin", object), Connection)


def _type(kind: Any, field: str) -> Any:
    return get_named_type(kind.fields[field].type)
