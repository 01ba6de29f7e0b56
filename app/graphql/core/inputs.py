"""Functions that make input objects of values that graphql-core has coerced, one for each input type.

strawberry gives the same objects, but looks up the types of all fields again for each value.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)

Make = Callable[[Any], Any]
"""A function that makes an input of a value that is not null; `None` stands for a value used as it is."""


def prepare_inputs(schema: strawberry.Schema) -> None:
    """Give every input type of the schema a function of its own that makes its objects."""
    for kind in schema.schema_converter.type_map.values():
        definition = kind.definition
        if isinstance(definition, StrawberryObjectDefinition) and definition.is_input:
            definition.from_input = _from_input(schema, definition)
            if isinstance(kind.implementation, GraphQLInputObjectType):
                # strawberry checks inputs with `@oneOf` itself, but only after graphql-core has, and its
                # error would not say where the value is.
                kind.implementation.is_one_of = definition.is_one_of


def _from_input(
    schema: strawberry.Schema, definition: StrawberryObjectDefinition
) -> Callable[[type, Mapping[str, Any], Any], Any]:
    named = schema.config.name_converter.from_field
    fields = [
        (named(field), field.python_name, _maker(field.resolve_type(type_definition=definition)))
        for field in definition.fields
    ]
    left_out = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def make(kind: type, given: Mapping[str, Any], _context: object) -> Any:
        values = dict(left_out)
        for name, python_name, maker in fields:
            if name in given:
                value = given[name]
                values[python_name] = value if maker is None or value is None else maker(value)
        return kind(**values)

    return make


def _maker(kind: Any) -> Make | None:
    if isinstance(kind, StrawberryOptional):
        return _maker(kind.of_type)
    if isinstance(kind, StrawberryList):
        return _list_maker(_maker(kind.of_type))
    definition: Any = get_object_definition(kind)
    return definition and (lambda given: definition.from_input(kind, given, None))


def _list_maker(maker: Make | None) -> Make:
    if maker is None:
        return list  # a copy, because the list of a default value is shared
    return lambda given: [value if value is None else maker(value) for value in given]
