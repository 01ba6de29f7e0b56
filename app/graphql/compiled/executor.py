"""graphql-core's executor, which leaves to compiled functions what needs nothing but the document."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.language import FieldNode
from graphql.pyutils import Path

from app.cqrs.documents.store import Fields
from app.graphql.admission.turns import turns
from app.graphql.compiled.arguments import Resolver
from app.graphql.compiled.shapes import Shape


class ResolveInfo(GraphQLResolveInfo[Any]):
    """What a resolver may know, with the document fields that are needed of what it reads."""

    operation_extensions: ClassVar[None] = None
    executor: "CompiledExecutor"
    needed: Fields = None

    @property
    def shown(self) -> Fields:
        """The document fields that are needed of what the resolver reads; `None` for all."""
        self.executor.read_parts = True
        return self.needed


@dataclass(frozen=True)
class Functions:
    """The compiled functions, by the identity of what they stand for."""

    fields: Mapping[int, Shape] = field(default_factory=dict)
    """From a parent to what is shown of a field, by the field's details."""
    values: Mapping[tuple[int, int], Shape] = field(default_factory=dict)
    """From a value to what is shown of it, by the field's details and the value's type."""
    resolvers: Mapping[int, Resolver] = field(default_factory=dict)
    """Of the fields that take more than their parent, by the field's details."""
    needed: Mapping[int, Fields] = field(default_factory=dict)
    """What is needed of the documents that these read, by the field's details."""


class CompiledExecutor(Executor[Any]):
    """Where a compiled function meets something that does not fit, the value is completed as usual."""

    functions: Functions
    gives_way = False
    """Whether it leaves the event loop to others between its reads and its pages."""
    misfit = False
    """Whether a document did not fit its type."""
    read_parts = False
    """Whether a resolver asked which parts of documents are needed: what is wrong may be in what it left."""
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
        """What is shown of a value that a resolver reads; nobody aborts it."""
        try:
            if self.gives_way and turns.over():
                await _turn_before(result)
            read = await result
            if self.gives_way:
                await turns.take()
            shown = self.complete_value(return_type, field_details_list, info, path, read, position_context)
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
        """A field of an object that has other fields to wait for."""
        shape = self.functions.fields.get(id(field_details_list))
        if shape is not None:
            try:
                return shape(source, self.context_value)
            except Exception:
                self.misfit = True
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
        """What is shown of a value that a resolver has read."""
        shape = self.functions.values.get((id(field_details_list), id(return_type)))
        if shape is not None:
            try:
                return shape(result, self.context_value)
            except Exception:
                if not (isinstance(result, list) and any(map(self.is_awaitable, result))):
                    self.misfit = True  # else the items are shown one by one, when they are there
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def build_resolve_info(
        self,
        field_def: GraphQLField,
        field_nodes: list[FieldNode],
        parent_type: GraphQLObjectType,
        path: Path,
    ) -> GraphQLResolveInfo[Any]:
        """As strawberry's, and with what is needed of the documents."""
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
    """Wait for a turn to take a step; it is closed where the operation is cancelled before."""
    try:
        await turns.next()
    except asyncio.CancelledError:
        if asyncio.iscoroutine(step):
            step.close()
        raise
