"""What is done for an operation, given what is skipped: its functions, and its execution with them."""

import weakref
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Self

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    default_field_resolver,
    default_type_resolver,
    is_abstract_type,
    is_composite_type,
    is_wrapping_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.execution.is_awaitable import optimized_is_awaitable

from app.cqrs.documents.store import Fields
from app.graphql.admission.turns import turns
from app.graphql.compiled.arguments import Resolver, Room, resolver_of
from app.graphql.compiled.executor import CompiledExecutor, Functions
from app.graphql.compiled.needs import needed
from app.graphql.compiled.parsed import NotCovered, Parsed, Selections
from app.graphql.compiled.shapes import Impure, Leaves, Shapes
from app.graphql.execution.async_helpers import help_weakly
from app.graphql.internals.graphql_core import collect_into
from app.graphql.internals.strawberry import core_schema

BYTES_OF_SOURCE = 20
"""That a character takes in memory, about, once it is compiled."""


class _Survey:
    """Walks through an operation and finds what can be compiled; the other fields are resolved as usual."""

    def __init__(self, schema: strawberry.Schema, selections: Selections, shapes: Shapes, room: Room) -> None:
        self._schema = schema
        self._room = room
        self._selections = selections
        self._shapes = shapes
        self._fields: dict[int, str] = {}
        self._values: dict[tuple[int, int], str] = {}
        self._resolvers: dict[int, Resolver] = {}
        self._needed: dict[int, Fields] = {}

    async def functions(self) -> Functions:
        """What was found; others have the event loop in between."""
        made = await self._shapes.made()
        functions = Functions(
            fields={key: made[name] for key, name in self._fields.items()},
            values={key: made[name] for key, name in self._values.items()},
            resolvers=self._resolvers,
            needed=self._needed,
        )
        # The namespace holds the functions, and they hold it: a plan that the cache drops would stay until a
        # full garbage collection, which is seldom due and takes long.
        weakref.finalize(functions, made.clear).atexit = False
        return functions

    def object(self, kind: Any, fields: Mapping[str, FieldDetailsList]) -> None:
        """An object some of whose fields may need more than the object itself."""
        for details in fields.values():
            name = details[0].node.name.value
            if name == "__typename":
                continue
            field = kind.fields[name]
            try:
                self._fields[id(details)] = self._shapes.of_field(kind, field, details)
            except Impure:
                if resolver := resolver_of(self._schema, field, details, self._room):
                    self._resolvers[id(details)] = resolver
                self._needed[id(details)] = needed(
                    core_schema(self._schema), field, details, self._selections
                )
                self._value(field.type, details)

    def _value(self, kind: Any, details: FieldDetailsList) -> None:
        with suppress(Impure):
            self._values[id(details), id(kind)] = self._shapes.of_value(kind, details)
        if is_wrapping_type(kind):
            self._value(kind.of_type, details)  # Items may come one by one.
        elif is_composite_type(kind) and (id(details), id(kind)) not in self._values:
            possible = core_schema(self._schema).get_possible_types
            kinds: Any = possible(kind) if is_abstract_type(kind) else [kind]
            for each in kinds:
                self.object(each, self._selections(each, details))


class Plan:
    """An operation's functions, and its execution with them."""

    @classmethod
    async def made(
        cls,
        schema: strawberry.Schema,
        parsed: Parsed,
        values: VariableValues,
        leaves: Leaves,
        room: Room,
    ) -> Self:
        """Make it for what is skipped with these variables; what its fields remember is counted in `room`.

        That is done in steps between which others have the event loop.
        """
        if parsed.operation.loc:
            await turns.take_for(parsed.operation.loc.source.body)
        query = parsed.schema.query_type
        assert query is not None
        selections = Selections(parsed, values)
        root_fields = selections.of_query()
        shapes = Shapes(parsed.schema, schema.config.default_resolver, leaves, selections)
        survey = _Survey(schema, selections, shapes, room)
        survey.object(query, root_fields)
        functions = await survey.functions()
        executor = CompiledExecutor(
            parsed.schema,
            parsed.fragments,
            parsed.fragment_details,
            None,
            None,
            parsed.operation,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # which is no TypeGuard
        )
        executor.functions = functions
        collect_into(executor, selections.collected)
        help_weakly(executor)
        return cls(query, root_fields, executor, shapes.size * BYTES_OF_SOURCE)

    def __init__(
        self, query: GraphQLObjectType, root_fields: GroupedFieldSet, executor: CompiledExecutor, size: int
    ) -> None:
        self._query = query
        self._root_fields = root_fields
        self._executor = executor  # to which its helpers refer
        # A copy: CPython 3.13.0 takes values for garbage that only the dictionary of a dead object refers to.
        self._template = dict(vars(executor))
        self.size = size
        """In bytes, about."""

    async def execute(self, values: VariableValues, context: Any, gives_way: bool) -> ExecutionResult:
        """Data and errors; raises `NotCovered` where parts of documents do not fit their types."""
        executor = CompiledExecutor.__new__(CompiledExecutor)
        executor.__dict__.update(
            self._template, context_value=context, variable_values=values, collected_errors=CollectedErrors()
        )
        executor.gives_way = gives_way
        data: dict[str, Any] | None
        try:
            data = await self._data(executor)
        except GraphQLError as error:  # of a field that can't be null
            executor.collected_errors.add(error, None)
            data = None
        if executor.misfit and executor.read_parts:
            raise NotCovered
        return ExecutionResult(data, executor.collected_errors.errors or None)

    async def _data(self, executor: CompiledExecutor) -> dict[str, Any]:
        if len(self._root_fields) == 1:
            [(name, details)] = self._root_fields.items()
            path = Path(None, name, self._query.name)
            value = executor.execute_field(self._query, None, details, path, None)
            return {name: await value if optimized_is_awaitable(value) else value}
        data = executor.execute_fields(self._query, None, None, self._root_fields, None)
        return await data if isinstance(data, Awaitable) else data
