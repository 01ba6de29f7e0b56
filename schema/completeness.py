"""What the schema forgets of the application, each in a sentence that says where it goes."""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from graphql import GraphQLEnumType, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_object_type
from strawberry.types.base import get_object_definition

import schema as package
from app.cqrs.commands.outcomes import CommandError, NotFound
from app.graphql.compiled.parents import Stored, keys_of, way_of
from schema.circle.consistency import SUBJECTS, ReadModelName
from schema.circle.shown import shown_documents
from schema.errors import SHOWN, CommandErrorCode
from schema.root import NODES, Mutation, Query, Subscription, schema

ROOT = "schema/root.py"


def problems(
    models: Mapping[str, Collection[str]], refusals: Iterable[type[CommandError]], kinds: Iterable[str]
) -> Iterator[str]:
    """Yield what these read models, refusals and kinds of aggregates miss in the schema.

    `models` has the keys that each read model writes, by its name.
    """
    left_out = list(_parts())
    yield from left_out
    yield from _names(models)
    yield from _descriptions()
    yield from _refusals(refusals)
    yield from _nodes(kinds)
    for collection, kind in shown_documents():
        found: Any = schema._schema.type_map.get(kind.__name__)
        if found is None:  # As with all else in a part that is left out.
            if not left_out:
                yield f"No field of the schema leads to {kind.__name__}: add one, or drop the type."
        elif collection.read_model in models:
            yield from _fields(found, collection.read_model, models[collection.read_model])
        else:
            yield (
                f"{kind.__name__} shows documents of {collection.read_model}, which is not projected: "
                "add that to READ_MODELS in app/bootstrap.py."
            )


def _parts() -> Iterator[str]:
    """Yield the parts that are written in a module of the schema and belong to no operation."""
    roots: Mapping[str, type] = {"Query": Query, "Mutation": Mutation, "Subscription": Subscription}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name == "__main__":
            continue
        home = importlib.import_module(f"{package.__name__}.{module.name}")
        for part in vars(home).values():
            if not isinstance(part, type) or part.__module__ != home.__name__:
                continue
            if get_object_definition(part) is None:
                continue
            for name, root in roots.items():
                if part.__name__.endswith(name) and part not in root.__mro__:
                    yield f"{part.__name__} of {home.__name__} is left out: add it to {name} in {ROOT}."


def _names(known: Collection[str]) -> Iterator[str]:
    named = {each.value for each in ReadModelName}
    for name in sorted({*known} - named):
        yield (
            f"The schema has no name for the read model {name}: add {name.upper()} to ReadModelName in "
            "schema/circle/consistency.py."
        )
    for name in sorted(named - {*known}):
        yield f"ReadModelName has {name}, which is not projected: add it to READ_MODELS in app/bootstrap.py."


def _descriptions() -> Iterator[str]:
    for name, kind in schema._schema.type_map.items():
        if isinstance(kind, GraphQLEnumType) and not name.startswith("__"):
            for value, described in kind.values.items():
                if not described.description:
                    yield (
                        f"The value {value} of {name} has no description: add one where `describe` is called."
                    )


def _refusals(refusals: Iterable[type[CommandError]]) -> Iterator[str]:
    codes = {each.value for each in CommandErrorCode}
    for refusal in refusals:
        if refusal not in SHOWN:
            yield (
                f"The schema can't show the refusal {refusal.__name__}: add a type for it to SHOWN in "
                "schema/errors.py."
            )
            continue
        if refusal.code not in codes:
            yield (
                f"The code {refusal.code} of {refusal.__name__} is missing: add it to CommandErrorCode in "
                "schema/errors.py."
            )
        given = {field.name for field in fields(refusal)} | {"code"}
        if refusal is NotFound:
            given = (given - {"kind", "id"}) | {"missing_id"}
        definition = get_object_definition(SHOWN[refusal], strict=True)
        shown = {field.python_name for field in definition.fields}
        if given != shown:
            differing = ", ".join(sorted(given ^ shown))
            yield (
                f"The refusal {refusal.__name__} and its type in schema/errors.py differ in {differing}: "
                "give both the same fields."
            )


def _nodes(kinds: Iterable[str]) -> Iterator[str]:
    node: Any = schema._schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    for kind in schema._schema.get_possible_types(node):
        if kind.name not in NODES:
            yield f"No id leads to the node {kind.name}: decorate it with `@shows(<its collection>)`."
    for name in sorted(kinds):
        if SUBJECTS.get(name, name.capitalize()) not in NODES:
            yield (
                f"Streams of the kind {name} belong to no node: say which type shows them in SUBJECTS of "
                "schema/circle/consistency.py."
            )


def _fields(kind: GraphQLObjectType, read_model: str, written: Collection[str]) -> Iterator[str]:
    """Yield the fields of a type, and of what it holds, that show a key which nothing writes."""
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
            if isinstance(way_of(field), Stored) and is_object_type(within):
                waiting.append(within)
