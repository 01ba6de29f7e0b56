"""The extension around every operation: tokens are demanded before, freshness and errors are shown after."""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from graphql import ExecutionResult as CoreResult
from graphql import (
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    located_error,
)
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult, PreExecutionError, StreamExecutionResult
from strawberry.types.graphql import OperationType

from app.cqrs.freshness.tokens import BadToken
from app.graphql.execution.context import Context
from app.graphql.execution.errors import presentable, without_suggestion
from app.graphql.execution.freshness import freshness_extension
from app.graphql.execution.subscribed import subscribed_field


class Consistency(SchemaExtension):
    """The demands and the freshness of an operation, and errors that a client can act on."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Demand the tokens that were sent beside the operation; afterwards make its errors presentable."""
        context: Context = self.execution_context.context
        try:
            await context.demand_what_was_seen()
        except BadToken as bad:
            self.execution_context.pre_execution_errors = [GraphQLError(str(bad), original_error=bad)]
        except GraphQLError as refusal:
            self.execution_context.pre_execution_errors = [refusal]
        self._streamed = False
        yield
        if not self._streamed:
            self._finish(self.execution_context.result)

    def on_validate(self) -> Iterator[None]:
        """Refuse a subscription that came over a connection which does not stay open."""
        operation, context = self.execution_context, self.execution_context.context
        if context.over_http and operation.operation_type is OperationType.SUBSCRIPTION:
            operation.pre_execution_errors = [
                GraphQLError(
                    "Subscribe over a websocket, with the protocol graphql-transport-ws, "
                    "or with the header Accept: text/event-stream."
                )
            ]
        yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Make the errors of each result of a subscription presentable."""
        self._streamed = True
        self._finish(result)
        yield

    def get_results(self) -> dict[str, Any]:
        """Return what was asked for, and how fresh each read model was that the answer was read from."""
        return extensions_of(self.execution_context.context)

    def _finish(self, result: object) -> None:
        if isinstance(result, CoreResult | ExecutionResult) and result.errors:
            errors, sent = result.errors, self.execution_context.context.sent
            if not isinstance(result, PreExecutionError):
                errors = [self._located(error) for error in errors]
            result.errors = [presentable(error, sent) for error in errors]
            _forget_frames(errors)
            if NoSchemaIntrospectionCustomRule in self.execution_context.validation_rules:
                # A schema that nobody may read is not to be read from suggestions, either.
                result.errors = [without_suggestion(error) for error in result.errors]

    def _located(self, error: GraphQLError) -> GraphQLError:
        """Return the error at the subscription's field, where that field's own stream raised it.

        The library locates what a field raises before its stream begins, and after that no more.
        """
        operation, document = self.execution_context, self.execution_context.graphql_document
        if error.path or document is None or operation.operation_type is not OperationType.SUBSCRIPTION:
            return error
        field = subscribed_field(document, operation.operation_name)
        key = field.alias.value if field.alias else field.name.value
        return located_error(error.original_error or error, [field], [key])


def _forget_frames(errors: Iterable[GraphQLError]) -> None:
    """Have errors that have been logged refer to no frames any more.

    The frames refer to the operation, and that to its errors. With a document of thousands of nodes all of it
    would stay until the garbage collector comes by, which then takes long.
    """
    for error in errors:
        for each in (error, error.original_error):
            if each:
                each.__traceback__ = None


def extensions_of(context: Context) -> dict[str, Any]:
    """Return a response's extensions: what was asked for, and how fresh each read model was."""
    freshness = {"freshness": [freshness_extension(each) for each in context.reading.freshness()]}
    return {"cost": context.cost.shown(), **freshness} if context.cost else freshness
