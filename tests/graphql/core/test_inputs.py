"""Inputs are made by functions of our own, which make exactly what strawberry makes."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_input_object_type,
    is_required_input_field,
)
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition

from app.graphql.internals.strawberry import core_schema
from schema.root import schema

INPUTS: dict[str, GraphQLInputObjectType] = {
    name: kind for name, kind in core_schema(schema).type_map.items() if is_input_object_type(kind)
}


def samples(kind: Any) -> Iterator[Any]:
    """Coerced values of a type: nulls, things left out, and leaves that are what they are."""
    if not isinstance(kind, GraphQLNonNull):
        yield None
    kind = getattr(kind, "of_type", kind) if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        items = list(samples(kind.of_type))
        yield from ([], items)
    elif isinstance(kind, GraphQLInputObjectType):
        each = {name: list(samples(field.type)) for name, field in kind.fields.items()}
        yield {name: each[name][-1] for name, field in kind.fields.items() if is_required_input_field(field)}
        for position in range(max(len(some) for some in each.values())):
            yield {name: some[min(position, len(some) - 1)] for name, some in each.items()}
    else:
        yield uuid4().hex


def made(name: str) -> list[Any]:
    converter = schema.schema_converter
    definition = converter.type_map[name].definition
    assert isinstance(definition, StrawberryObjectDefinition)
    return [
        convert_argument(value, definition.origin, converter.scalar_registry, schema.config)
        for value in VALUES[name]
    ]


VALUES = {name: list(samples(GraphQLNonNull(kind))) for name, kind in INPUTS.items()}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_made_as_strawberry_makes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = made(name)
    for each in INPUTS:
        definition = schema.schema_converter.type_map[each].definition
        assert getattr(definition, "from_input", None)
        monkeypatch.setattr(definition, "from_input", None)
    assert ours == made(name)
    assert [type(one) for one in ours] == [type(one) for one in made(name)]


def test_a_list_is_everyones_own() -> None:
    given = {"categories": ["Tea"]}
    definition = schema.schema_converter.type_map["ProductFilter"].definition
    assert isinstance(definition, StrawberryObjectDefinition)
    converted: Any = convert_argument(
        given, definition.origin, schema.schema_converter.scalar_registry, schema.config
    )
    converted.categories.append("Coffee")
    assert given == {"categories": ["Tea"]}
