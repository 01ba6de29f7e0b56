"""The fields of the schema that show lists of documents or look one up, with what decides about these."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from app.cqrs.documents.read_model import Collection
from app.cqrs.reading.invalidation import InvalidationIndex
from app.cqrs.reading.pages import Listing
from app.cqrs.reading.sources import Choice, Source, all_of, listed
from schema.circle.listings import LOOKUPS
from schema.circle.nodes import node_types
from schema.circle.shown import shown_documents


class ListField(NamedTuple):
    """A field of the schema whose documents are chosen by anything but their ids."""

    type: str
    """The name of the type that has the field; `Query` for a root field."""
    name: str


@cache
def concerned_fields(schema: GraphQLSchema) -> InvalidationIndex:
    """Return an index from changes to the fields that may show other documents, or others of their sums."""
    index = InvalidationIndex()
    for field, sources in list_fields(schema).items():
        index.add(field, sources)
    return index


@cache
def list_fields(schema: GraphQLSchema) -> Mapping[ListField, Sequence[Source]]:
    """Return all such fields, of `Query` and of nodes, with the sources that their answers can have.

    They are found by their types: what a field leads to without passing through a node is its own. Any change
    of a collection may concern a list, because its arguments may ask for every filter, order and sum.
    """
    shown = {kind.__name__: collection for collection, kind in shown_documents()}
    found = dict[ListField, Sequence[Source]]()
    for kind in (schema.query_type, *(schema.type_map[name] for name in node_types())):
        for name, field in getattr(kind, "fields", {}).items():
            is_root = kind is schema.query_type
            sources = _lookup(field, shown) if is_root else None
            if sources is None:
                collections = {each.name: each for each in _collections(schema, field, shown, set())}
                sources = [all_of(each) for each in collections.values()]
            if sources:
                found[ListField(str(kind), name)] = sources
    return found


def collections_listed(schema: GraphQLSchema) -> set[str]:
    """Return the names of the collections whose documents some of these fields show."""
    return {source.collection.name for sources in list_fields(schema).values() for source in sources}


def _lookup(field: GraphQLField, shown: Mapping[str, Collection]) -> Sequence[Source] | None:
    """Return the sources of a root field that shows single nodes; `None` for a list.

    There are none if it finds them by id: then no other change makes it show another object.
    """
    kind = get_named_type(field.type)
    if kind.name in {*node_types(), "Node"} and field.args.keys() - {"atLeast"} in ({"id"}, {"ids"}):
        return ()
    if kind.name not in node_types() or _is_list(field):
        return None
    declared = field.extensions.get("strawberry-definition")
    lookups = declared.metadata.get(LOOKUPS) if isinstance(declared, StrawberryField) else None
    if lookups is None:
        return [all_of(shown[kind.name])]
    return [_any_of(find("any")) for find in lookups]


def _any_of(listing: Listing) -> Source:
    """Return the source of a listing by the same paths, whatever value it looks for."""
    source = listed(listing.collection, listing.matching, listing.keys, [])
    return Source(source.collection, choice=Choice(source.choice.paths if source.choice else None))


def _collections(
    schema: GraphQLSchema, field: GraphQLField, shown: Mapping[str, Collection], seen: set[str]
) -> Iterator[Collection]:
    """Yield the collections of the documents to which a field leads, without those behind single nodes."""
    named: Any = get_named_type(field.type)
    if is_leaf_type(named):
        return
    for kind in schema.get_possible_types(named) if is_abstract_type(named) else [named]:
        if kind.name in node_types():
            if _is_list(field):  # A single one is a link: its id decides which one that is.
                yield shown[kind.name]
            continue
        if kind.name in shown:
            yield shown[kind.name]
        if is_object_type(kind) and kind.name not in seen:
            seen.add(kind.name)
            for within in kind.fields.values():
                yield from _collections(schema, within, shown, seen)


def _is_list(field: GraphQLField) -> bool:
    return is_list_type(field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type)
