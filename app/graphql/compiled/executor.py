"""A graphql-core executor that uses compiled functions for fields that need only the document."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.language import FieldNode
from graphql.pyutils import Path

from app.cqrs.documents.store import Fields
from app.graphql.admission.turns import in_slices, turns
from app.graphql.compiled.arguments import Resolver
from app.graphql.compiled.shapes import Shape


class ResolveInfo(GraphQLResolveInfo[Any]):
    """The information for a resolver, with the fields that are needed of the documents that it reads."""

    operation_extensions: ClassVar[None] = None
    executor: "CompiledExecutor"
    needed: Fields = None

    @property
    def shown(self) -> Fields:
        """The fields that are needed of the documents that the resolver reads; `None` for all."""
        if self.executor.reads_whole:
            return None
        self.executor.read_parts = True
        return self.needed


@dataclass(frozen=True)
class Functions:
    """The compiled functions and resolvers of a plan, by the `id` of a field's details."""

    fields: Mapping[int, Shape] = field(default_factory=dict)
    """Functions from a parent to the result of a field, by the field's details."""
    values: Mapping[tuple[int, int], Shape] = field(default_factory=dict)
    """Functions from a value to its result, by the field's details and the value's type."""
    resolvers: Mapping[int, Resolver] = field(default_factory=dict)
    """Resolvers of the fields that need more than their parent, by the field's details."""
    needed: Mapping[int, Fields] = field(default_factory=dict)
    """The document fields that are needed of what these resolvers read, by the field's details."""


class CompiledExecutor(Executor[Any]):
    """An executor with compiled functions.

    If a compiled function meets an unexpected value, graphql-core completes the value instead.
    """

    functions: Functions
    yields = False
    """True if it yields to other tasks between its reads and its pages."""
    reads_whole = False
    """True if documents are read whole, so that graphql-core can complete them whatever they contain."""
    mismatch = False
    """True if a document did not match its type."""
    read_parts = False
    """True if a resolver asked for the needed fields: a mismatch may be due to a field that it left out."""
    _needed: Fields

    async def complete_awaitable_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Await a resolver's value and return its result; unlike graphql-core's it can't be aborted."""
        try:
            if self.yields and turns.over():
                await _turn_before(result)
            read = await result
            arguments = return_type, field_details_list, info, path, read, position_context
            if self.yields:
                await turns.take()
                shown = await in_slices(partial(self.complete_value, *arguments))
            else:
                shown = self.complete_value(*arguments)
            return await shown if self.is_awaitable(shown) else shown
        except Exception as error:
            self.handle_field_error(error, return_type, field_details_list, path)
            return None

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        """Return the result of a field, or an awaitable of it."""
        shape = self.functions.fields.get(id(field_details_list))
        if shape is not None:
            try:
                return shape(source, self.context_value)
            except Exception:
                self.mismatch = True
        self._needed = self.functions.needed.get(id(field_details_list))
        resolver = self.functions.resolvers.get(id(field_details_list))
        if resolver is None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        info = self.build_resolve_info(resolver.field, resolver.nodes, parent_type, path)
        kind = resolver.field.type
        try:
            result = resolver(source, info, self.variable_values)
        except Exception as error:
            self.handle_field_error(error, kind, field_details_list, path)
            return None
        return self.complete_awaitable_value(kind, field_details_list, info, path, result, position_context)

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Return the result of a resolver's value."""
        shape = self.functions.values.get((id(field_details_list), id(return_type)))
        if shape is not None:
            try:
                return shape(result, self.context_value)
            except Exception:
                if not (isinstance(result, list) and any(map(self.is_awaitable, result))):
                    self.mismatch = True  # otherwise graphql-core awaits the items one by one
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def build_resolve_info(
        self,
        field_def: GraphQLField,
        field_nodes: list[FieldNode],
        parent_type: GraphQLObjectType,
        path: Path,
    ) -> GraphQLResolveInfo[Any]:
        """Return the same information as strawberry, with the needed fields of documents."""
        info = ResolveInfo(
            field_nodes[0].name.value,
            field_nodes,
            field_def.type,
            parent_type,
            path,
            self.schema,
            self.fragment_definitions,
            None,
            self.operation,
            self.variable_values.coerced,  # type: ignore[arg-type]  # as strawberry has it
            self.context_value,
            self.is_awaitable,
            None,
            self.async_helpers,
        )
        info.executor, info.needed = self, self._needed
        return info


async def _turn_before(step: Any) -> None:
    """Wait for a turn before a step; close its coroutine if the operation is cancelled meanwhile."""
    try:
        await turns.next()
    except asyncio.CancelledError:
        if asyncio.iscoroutine(step):
            step.close()
        raise
