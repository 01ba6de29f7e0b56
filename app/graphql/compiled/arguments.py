"""Variables and arguments, by the rules of graphql-core and strawberry; results are cached."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_argument_values,
    get_nullable_type,
    get_variable_values,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.language import FieldNode
from strawberry.schema.schema_converter import get_arguments
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryOptional
from strawberry.types.field import StrawberryField

from app.cqrs.memory.sizes import bytes_of
from app.graphql.compiled.parsed import NotCovered

MOST_COERCION_ERRORS = 50
MOST_CACHED = 64
"""Sets of arguments that are cached for a field of an operation."""

LONGEST_CACHED = 100
"""Characters of a text, and items of a list, in a cached set."""

PER_SET = 300
"""Bytes that a set takes besides its values."""

_TAKEN_AS_THEY_ARE: Mapping[Any, type] = {
    GraphQLID: str,
    GraphQLString: str,
    GraphQLBoolean: bool,
    GraphQLInt: int,
}
_HANDED_OVER_AS_THEY_ARE = (str, int, bool, strawberry.ID)


class Variables:
    """The variables of an operation."""

    def __init__(self, schema: GraphQLSchema, definitions: tuple[VariableDefinitionNode, ...]) -> None:
        self._schema = schema
        self._definitions = definitions
        self._simple: list[tuple[str, GraphQLVariableSignature, type | None]] = []
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            assert not isinstance(signature, GraphQLError)
            expected = _TAKEN_AS_THEY_ARE.get(get_nullable_type(signature.type))
            self._simple.append((signature.name, signature, expected))

    def coerced(self, variables: Mapping[str, Any]) -> VariableValues:
        """Return the coerced values of the variables; raise `NotCovered` if one is invalid."""
        sources, coerced = {}, {}
        for name, signature, expected in self._simple:
            value = variables.get(name)
            if value.__class__ is not expected or (isinstance(value, int) and not -(2**31) <= value < 2**31):
                return self._coerced_with_care(variables)
            sources[name] = VariableValueSource(signature, value)
            coerced[name] = value
        return VariableValues(sources, coerced)

    def _coerced_with_care(self, variables: Mapping[str, Any]) -> VariableValues:
        values = get_variable_values(self._schema, self._definitions, dict(variables), MOST_COERCION_ERRORS)
        if isinstance(values, list):
            raise NotCovered
        return values


class ByteBudget:
    """A budget of at most `most` bytes for the cached arguments of all fields of an operation."""

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most

    def has(self, more: int) -> bool:
        """Return whether the budget allows so many more bytes."""
        return self.bytes + more <= self._most


class Resolver:
    """An asynchronous resolver, with the arguments of one selection of its field."""

    def __init__(
        self,
        schema: strawberry.Schema,
        field: GraphQLField,
        declared: StrawberryField,
        details: FieldDetailsList,
        budget: ByteBudget,
    ) -> None:
        assert declared.base_resolver is not None
        self.field = field
        self.nodes = [each.node for each in details]
        self._declared = declared
        self._function: Callable[..., Awaitable[Any]] = declared.base_resolver.wrapped_func  # type: ignore[assignment]
        self._schema = schema
        parameters = declared.base_resolver
        self._takes_self = parameters.self_parameter is not None
        self._parent = parameters.parent_parameter.name if parameters.parent_parameter else None
        self._info = parameters.info_parameter.name if parameters.info_parameter else None
        names = {schema.config.name_converter.from_argument(each): each for each in declared.arguments}
        self._direct, self._others = _variables_in(self.nodes[0], field, names)
        self._cached: dict[Any, dict[str, Any]] = {}
        self._budget, self._taken = budget, 0

    def __call__(self, source: Any, info: Any, values: VariableValues) -> Awaitable[Any]:
        """Call the resolver and return its awaitable; raise `GraphQLError` if the arguments are invalid."""
        coerced = values.coerced
        try:
            key = tuple([_frozen(coerced.get(name, _frozen)) for name in self._others])
            arguments = dict(self._cached[key])
            for parameter, (name, nullable) in self._direct.items():
                arguments[parameter] = value = coerced[name]
                if value is None and not nullable:
                    raise KeyError(name)
        except KeyError:
            given = get_argument_values(self.field, self.nodes[0], values)
            return self._converted(source, info, given, key)
        except _TooLarge:
            given = get_argument_values(self.field, self.nodes[0], values)
            return self._converted(source, info, given, None)
        return self._called(source, self._schema.config.info_class(info, self._declared), arguments)

    async def _converted(self, source: Any, info: Any, given: dict[str, Any], key: Any) -> Any:
        strawberry_info = self._schema.config.info_class(info, self._declared)
        _, arguments = get_arguments(
            field=self._declared,
            source=source,
            info=strawberry_info,
            kwargs=given,
            config=self._schema.config,
            scalar_registry=self._schema.schema_converter.scalar_registry,
        )
        if key is not None:
            own = {self._parent, self._info}
            self._cache(key, {name: value for name, value in arguments.items() if name not in own})
        return await self._called(source, strawberry_info, arguments)

    def _cache(self, key: Any, arguments: dict[str, Any]) -> None:
        size = PER_SET + bytes_of(key) + bytes_of(arguments)
        if len(self._cached) >= MOST_CACHED or not self._budget.has(size):
            self._cached.clear()
            self._budget.bytes -= self._taken
            self._taken = 0
        if self._budget.has(size):  # other fields of the operation may have used up the budget
            self._cached[key] = arguments
            self._budget.bytes += size
            self._taken += size

    def _called(self, source: Any, info: Any, arguments: dict[str, Any]) -> Awaitable[Any]:
        if self._parent:
            arguments[self._parent] = source
        if self._info:
            arguments[self._info] = info
        return self._function(source, **arguments) if self._takes_self else self._function(**arguments)


def resolver_of(
    schema: strawberry.Schema, field: GraphQLField, details: FieldDetailsList, budget: ByteBudget
) -> Resolver | None:
    """Return the field's resolver if it is asynchronous and no extension wraps it; otherwise `None`."""
    declared = field.extensions.get("strawberry-definition")
    if (
        not isinstance(declared, StrawberryField)
        or declared.base_resolver is None
        or declared.base_resolver.root_parameter
        or declared.extensions
        or not declared.is_async
        or schema.exception_handlers
    ):
        return None
    return Resolver(schema, field, declared, details, budget)


def _variables_in(
    node: FieldNode, field: GraphQLField, names: Mapping[str, StrawberryArgument]
) -> tuple[dict[str, tuple[str, bool]], list[str]]:
    """Return the parameters that take a variable unchanged, with its nullability, and all other variables."""
    direct: dict[str, tuple[str, bool]] = {}
    others: set[str] = set()
    for argument in node.arguments or ():
        name, parameter = argument.name.value, names[argument.name.value]
        kind = parameter.type.of_type if isinstance(parameter.type, StrawberryOptional) else parameter.type
        if isinstance(argument.value, VariableNode) and kind in _HANDED_OVER_AS_THEY_ARE:
            nullable = not isinstance(field.args[name].type, GraphQLNonNull)
            direct[parameter.python_name] = argument.value.name.value, nullable
        else:
            others.update(_variables_of(argument.value))
    return direct, sorted(others)


def _variables_of(value: ValueNode) -> Iterator[str]:
    """Yield the names of the variables in a value; graphql-core's visitor takes ten times as long."""
    match value:
        case VariableNode(name=name):
            yield name.value
        case ListValueNode(values=values):
            for each in values:
                yield from _variables_of(each)
        case ObjectValueNode(fields=fields):
            for field in fields:
                yield from _variables_of(field.value)


class _TooLarge(Exception):
    """A value is too large to be part of a cache key."""


def _frozen(value: Any) -> Any:
    """Return a cache key for a variable's value, equal only for values that make equal arguments."""
    if value.__class__ is str and len(value) <= LONGEST_CACHED:
        return value
    if value is None or value is _frozen or value.__class__ is int or isinstance(value, bool | Enum):
        return value.__class__, value
    if value.__class__ is list and len(value) <= LONGEST_CACHED:
        return tuple([_frozen(each) for each in value])
    raise _TooLarge
