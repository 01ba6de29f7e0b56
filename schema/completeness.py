"""The check that the schema shows all of the application; each finding says what to add where."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.base import get_object_definition

import schema as package
from app.cqrs.commands.outcomes import CommandError
from app.cqrs.viewers import Sight
from app.graphql.compiled.parents import Stored, keys_of, value_source
from app.graphql.execution.visibility import declared_sight, value_otherwise
from app.graphql.internals.strawberry import core_schema
from schema.circle.commands.errors import SHOWN, CommandErrorCode
from schema.circle.commands.list_fields import collections_listed
from schema.circle.commands.sending import Payload
from schema.circle.consistency import ReadModelName
from schema.circle.nodes import Node, node_types
from schema.circle.parts import Part
from schema.circle.shown import shown_by, shown_documents, shown_read_models, type_of
from schema.root import PARTS, Mutation, Query, Subscription, schema

ROOT = "schema/root.py"

NAMED = {ReadModelName.__name__, CommandErrorCode.__name__}
"""Names of enums whose values are described where the read models and refusals are declared."""


def problems(
    models: Mapping[str, Collection[str]], refusals: Iterable[type[CommandError]], kinds: Iterable[str]
) -> Iterator[str]:
    """Yield a sentence for each read model, refusal and kind of aggregate that the schema does not show.

    `models` has the keys that each read model writes, by its name.
    """
    if left_out := list(_parts()):
        yield from left_out
        return  # Everything else that is missing may be in these.
    yield from _names(models)
    yield from _descriptions()
    yield from _visibility()
    yield from _refusals(refusals)
    yield from _nodes(kinds)
    for collection, kind in shown_documents():
        found: Any = core_schema(schema).type_map.get(kind.__name__)
        if found is None:
            yield f"No field of the schema leads to {kind.__name__}: add one, or drop the type."
        elif collection.read_model in models:
            yield from _fields(found, collection.read_model, models[collection.read_model])
        else:
            yield (
                f"{kind.__name__} shows documents of {collection.read_model}, which is not projected: "
                "move that to a module of app/read_models."
            )
    yield from _cascades()


def _parts() -> Iterator[str]:
    """Yield a sentence for each part or root field in a module that belongs to no root type."""
    roots: Mapping[str, type] = {"Query": Query, "Mutation": Mutation, "Subscription": Subscription}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name == "__main__":
            continue
        home = importlib.import_module(f"{package.__name__}.{module.name}")
        part = getattr(home, "PART", None)
        if isinstance(part, Part) and part not in PARTS:
            yield f'{home.__name__} is left out: add "{module.name}" to PARTS in {ROOT}.'
            continue
        for each in vars(home).values():
            if not isinstance(each, type) or each.__module__ != home.__name__:
                continue
            if get_object_definition(each) is None:
                continue
            for name, root in roots.items():
                if each.__name__.endswith(name) and each not in root.__mro__:
                    yield f"{each.__name__} of {home.__name__} is left out: add it to the PART of its module."


def _names(known: Collection[str]) -> Iterator[str]:
    for name in sorted({*known} - {each.value for each in ReadModelName.all()}):
        yield (
            f"No type shows documents of the read model {name}: decorate one with `@shows(<its collection>)`."
        )


def _descriptions() -> Iterator[str]:
    for name, kind in core_schema(schema).type_map.items():
        if isinstance(kind, GraphQLEnumType) and not name.startswith("__") and name not in NAMED:
            for value, described in kind.values.items():
                if not described.description:
                    yield (
                        f"The value {value} of {name} has no description: add one where `describe` is called."
                    )


def _visibility() -> Iterator[str]:
    """Yield a sentence for each root field that does not say who may ask, and for each impossible rule."""
    core = core_schema(schema)
    for root in (core.query_type, core.mutation_type, core.subscription_type):
        for name, field in root.fields.items() if root else ():
            if declared_sight(field) is None and not _sends_a_command(field):
                yield (
                    f"{root}.{name} does not declare who may ask for it: decorate it with "
                    "`@visible_to(Sight.ANONYMOUS)`, or with a higher sight."
                )
    for kind in core.type_map.values():
        for name, field in getattr(kind, "fields", {}).items():
            hidden = isinstance(field, GraphQLField) and declared_sight(field) not in (None, Sight.ANONYMOUS)
            if (
                hidden
                and is_non_null_type(field.type)
                and value_otherwise(field) is None
                and kind is not core.subscription_type
            ):
                yield (
                    f"{kind}.{name} can't be hidden from anybody, because it can't be null: make its type "
                    "nullable, say what others get `otherwise`, or remove `visible_to`."
                )


def _cascades() -> Iterator[str]:
    """Yield a sentence for each collection whose changes the cascade of a command could not name."""
    listed = collections_listed(core_schema(schema))
    for model in shown_read_models():
        for collection in model.collections:
            kind = shown_by(collection.name)
            if kind is None:
                yield (
                    f"No type shows the documents of {collection.name}, so that cascades can't name the "
                    "fields that read them: decorate one with `@shows(<the collection>)`."
                )
            elif not issubclass(kind, Node) and collection.name not in listed:
                yield (
                    f"No root field leads to {kind.__name__}, so that cascades can't name what reads the "
                    f"documents of {collection.name}: add a field that returns it."
                )


def _sends_a_command(field: GraphQLField) -> bool:
    """Return whether a field is a mutation that sends a command, which has rules of its own."""
    payload: Any = get_named_type(field.type)
    definition = payload.extensions.get("strawberry-definition")
    return definition is not None and issubclass(definition.origin, Payload)


def _refusals(refusals: Iterable[type[CommandError]]) -> Iterator[str]:
    for refusal in refusals:
        if refusal not in SHOWN:
            yield (
                f"The schema can't show the refusal {refusal.__name__}: name {refusal.__module__} as the "
                "`refusals` of a PART."
            )
    codes = Counter(refusal.code for refusal in SHOWN)
    for code, times in codes.items():
        if times > 1:
            yield f"{times} refusals have the code {code}: give each one of its own."


def _nodes(kinds: Iterable[str]) -> Iterator[str]:
    node: Any = core_schema(schema).type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    for kind in core_schema(schema).get_possible_types(node):
        if kind.name not in node_types():
            yield f"No id leads to the node {kind.name}: decorate it with `@shows(<its collection>)`."
    for name in sorted(kinds):
        if type_of(name) not in node_types():
            yield (
                f"Streams of the kind {name} belong to no node: name the kind where its type is decorated, "
                f'as in `@shows(<its collection>, kinds=["{name}"])`.'
            )


def _fields(kind: GraphQLObjectType, read_model: str, written: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each field, of a type and of the types within, that shows a key nothing writes."""
    seen, waiting = set[str](), [kind]
    while waiting:
        each = waiting.pop()
        if each.name in seen:
            continue
        seen.add(each.name)
        for name, field in each.fields.items():
            for key in sorted(key for key in keys_of(field) or () if key not in written):
                yield (
                    f"{each.name}.{name} shows the key {key}, which no function of {read_model} writes: "
                    "correct the spelling of one of them."
                )
            within: Any = get_named_type(field.type)
            if isinstance(value_source(field), Stored) and is_object_type(within):
                waiting.append(within)
