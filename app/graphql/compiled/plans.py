"""Plans: the compiled functions of an operation for some values of its conditions, and their execution."""

import weakref
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
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
from app.cqrs.viewers import Sight
from app.graphql.admission.turns import in_slices, pause, turns
from app.graphql.compiled.arguments import ByteBudget, Resolver, resolver_of
from app.graphql.compiled.executor import CompiledExecutor, Functions
from app.graphql.compiled.needs import needed
from app.graphql.compiled.parsed import NotCovered, Parsed, Selections
from app.graphql.compiled.shapes import Impure, Leaves, Shape, Shapes
from app.graphql.core.async_helpers import use_weak_helpers
from app.graphql.execution.visibility import VisibleFields
from app.graphql.internals.graphql_core import Collected, collect_into
from app.graphql.internals.strawberry import core_schema

BYTES_OF_SOURCE = 20
"""Approximate bytes in memory for each character of source, once compiled."""


class _Survey:
    """A walk through an operation that finds the fields to compile; graphql-core resolves the others."""

    def __init__(
        self,
        schema: strawberry.Schema,
        selections: Selections,
        shapes: Shapes,
        visible: VisibleFields,
        budget: ByteBudget,
    ) -> None:
        self._schema = schema
        self._visible = visible
        self._budget = budget
        self._selections = selections
        self._shapes = shapes
        self._fields: dict[int, str] = {}
        self._values: dict[tuple[int, int], str] = {}
        self._resolvers: dict[int, Resolver] = {}
        self._needed: dict[int, Fields] = {}
        self.collected: Collected = {}
        """The sub-fields that the executor looks up. Those within compiled functions are not among them."""

    async def functions(self) -> Functions:
        """Compile and return the functions that were found; yield to other tasks meanwhile."""
        made = await self._shapes.compiled()
        functions = Functions(
            fields={key: made[name] for key, name in self._fields.items()},
            values={key: made[name] for key, name in self._values.items()},
            resolvers=self._resolvers,
            needed=self._needed,
        )
        # The namespace and the functions refer to each other. Without this a plan that the cache drops would
        # stay in memory until a full garbage collection, which is rare and takes long.
        weakref.finalize(functions, made.clear).atexit = False
        return functions

    def object(self, kind: Any, fields: Mapping[str, FieldDetailsList]) -> None:
        """Find the functions of an object, some of whose fields may need more than the object itself.

        It takes long for many fields, and may run in slices.
        """
        for details in fields.values():
            pause()
            name = details[0].node.name.value
            if name == "__typename":
                continue
            field = kind.fields[name]
            if field not in self._visible:
                continue  # graphql-core resolves it, and reports that the viewer may not ask for it.
            try:
                self._fields[id(details)] = self._shapes.of_field(kind, field, details)
            except Impure:
                if resolver := resolver_of(self._schema, field, details, self._budget):
                    self._resolvers[id(details)] = resolver
                self._needed[id(details)] = needed(
                    core_schema(self._schema), field, details, self._selections
                )
                self._value(field.type, details)

    def _value(self, kind: Any, details: FieldDetailsList) -> None:
        with suppress(Impure):
            self._values[id(details), id(kind)] = self._shapes.of_value(kind, details)
        if is_wrapping_type(kind):
            self._value(kind.of_type, details)  # The items may be awaited one by one.
        elif is_composite_type(kind) and (id(details), id(kind)) not in self._values:
            possible = core_schema(self._schema).get_possible_types
            kinds: Any = possible(kind) if is_abstract_type(kind) else [kind]
            for each in kinds:
                fields = self._selections(each, details)
                self.collected[each, id(details)] = self._selections.collected[each, id(details)]
                self.object(each, fields)


@dataclass(frozen=True)
class EventShape:
    """The compiled function that shows the events of a subscription."""

    key: str
    """The response key of the subscription's field."""
    shape: Shape
    functions: Functions
    """All functions of the plan, which are dropped together."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Return the data of an event; raise an exception if the event does not match its type."""
        return {self.key: self.shape(event, context)}


class Plan:
    """The functions of an operation, and their execution."""

    @classmethod
    async def create(
        cls,
        schema: strawberry.Schema,
        parsed: Parsed,
        values: VariableValues,
        leaves: Leaves,
        budget: ByteBudget,
        sight: Sight,
    ) -> Self:
        """Compile the plan for the conditions in these variables, and for viewers with this sight.

        Cached arguments are counted in `budget`.

        The work is done in steps, which yield to other tasks in between.
        """
        if parsed.operation.loc:
            await turns.take_for(parsed.operation.loc.source.body)
        selections = Selections(parsed, values)
        root_fields = selections.of_root()
        visible = VisibleFields(sight)
        shapes = Shapes(parsed.schema, schema.config.default_resolver, leaves, selections, visible)
        survey = _Survey(schema, selections, shapes, visible, budget)
        await in_slices(partial(survey.object, parsed.root, root_fields))
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
        executor.reads_whole = parsed.is_mutation
        collect_into(executor, survey.collected)
        use_weak_helpers(executor)
        return cls(parsed, root_fields, executor, shapes.size * BYTES_OF_SOURCE, [*visible.sights])

    def __init__(
        self,
        parsed: Parsed,
        root_fields: GroupedFieldSet,
        executor: CompiledExecutor,
        size: int,
        sights: Sequence[Sight],
    ) -> None:
        self._root = parsed.root
        self._is_mutation = parsed.is_mutation
        self._root_fields = root_fields
        self._executor = executor  # to which its helpers refer
        # A copy, because CPython 3.13.0 frees values to which only the dictionary of a dead object refers.
        self._template = dict(vars(executor))
        self.size = size
        """The approximate size of the compiled functions, in bytes."""
        self.resolved = len(executor.functions.needed)
        """The number of fields that need more than their parent."""
        self.sights = sights
        """The sights of the viewers who may ask for the same fields: the plan is for all of these."""

    @property
    def event_shape(self) -> EventShape | None:
        """The function for the events of a subscription; `None` if these need more than themselves."""
        functions = self._executor.functions
        for key, details in self._root_fields.items():  # It has one, unless that is skipped.
            field = self._root.fields.get(details[0].node.name.value)
            shape = functions.values.get((id(details), id(field.type))) if field else None
            return EventShape(key, shape, functions) if shape else None
        return None

    async def execute(self, values: VariableValues, context: Any, yields: bool) -> ExecutionResult:
        """Return data and errors; raise `NotCovered` if parts of documents do not match their types.

        A mutation never raises it, for it must not be executed again.
        """
        executor = CompiledExecutor.__new__(CompiledExecutor)
        executor.__dict__.update(
            self._template, context_value=context, variable_values=values, collected_errors=CollectedErrors()
        )
        executor.yields = yields
        data: dict[str, Any] | None
        try:
            data = await self._data(executor)
        except GraphQLError as error:  # a field that can't be null failed
            executor.collected_errors.add(error, None)
            data = None
        if executor.mismatch and executor.read_parts:
            raise NotCovered
        return ExecutionResult(data, executor.collected_errors.errors or None)

    async def _data(self, executor: CompiledExecutor) -> dict[str, Any]:
        if len(self._root_fields) == 1:
            [(name, details)] = self._root_fields.items()
            path = Path(None, name, self._root.name)
            value = executor.execute_field(self._root, None, details, path, None)
            return {name: await value if optimized_is_awaitable(value) else value}
        execute = executor.execute_fields_serially if self._is_mutation else executor.execute_fields
        data = execute(self._root, None, None, self._root_fields, None)
        return await data if isinstance(data, Awaitable) else data
