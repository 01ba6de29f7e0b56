"""The extension that handles an operation's tokens before, and its freshness and errors after execution."""

from collections.abc import AsyncIterator, Iterator, Sequence
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
from app.graphql.core.wrong_values import with_values_in_json
from app.graphql.execution.context import Context
from app.graphql.execution.errors import forget_frames, presentable, without_suggestion
from app.graphql.execution.freshness import freshness_extension
from app.graphql.execution.operation import TOKEN_EXTENSION
from app.graphql.execution.subscribed_field import subscribed_field
from app.graphql.internals.strawberry import core_schema
from app.graphql.measured.reads import fields_read


class Consistency(SchemaExtension):
    """An extension for an operation's tokens, its freshness, and errors that a client can act on."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Demand the sent tokens before the operation, and make its errors presentable after it."""
        context: Context = self.execution_context.context
        try:
            await context.demand_sent_tokens()
        except BadToken as bad:
            self.execution_context.pre_execution_errors = [GraphQLError(str(bad), original_error=bad)]
        except GraphQLError as refusal:
            self.execution_context.pre_execution_errors = [refusal]
        self._streamed = False
        yield
        if not self._streamed:
            self._finish(self.execution_context.result)

    def on_validate(self) -> Iterator[None]:
        """Refuse a subscription if the request gets only a single response."""
        operation, context = self.execution_context, self.execution_context.context
        if context.over_http and operation.operation_type is OperationType.SUBSCRIPTION:
            operation.pre_execution_errors = [
                GraphQLError(
                    "This request can't subscribe, because it gets a single response. Subscribe over a "
                    "websocket with the protocol graphql-transport-ws, or send Accept: text/event-stream."
                )
            ]
        yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Make the errors of each result of a subscription presentable."""
        self._streamed = True
        self._finish(result)
        yield

    def get_results(self) -> dict[str, Any]:
        """Return the response's extensions: cost, freshness of each read model that was read, and token."""
        return extensions_of(self.execution_context.context)

    def _finish(self, result: object) -> None:
        self.execution_context.context.fields_read = self._fields_read(result)
        if isinstance(result, CoreResult | ExecutionResult) and result.errors:
            execution = self.execution_context
            sent, schema = execution.context.sent, core_schema(execution.schema)
            errors = with_values_in_json(result.errors, schema, execution.variables)
            if not isinstance(result, PreExecutionError):
                errors = [self._located(error) for error in errors]
            result.errors = [presentable(error, sent) for error in errors]
            forget_frames(errors)
            if NoSchemaIntrospectionCustomRule in execution.validation_rules:
                # Where introspection is disabled, suggestions must not reveal names of the schema, either.
                result.errors = [without_suggestion(error) for error in result.errors]

    def _fields_read(self, result: object) -> Sequence[str]:
        operation, document = self.execution_context, self.execution_context.graphql_document
        if not isinstance(result, CoreResult | ExecutionResult) or isinstance(result, PreExecutionError):
            return ()
        if document is None or operation.operation_type is not OperationType.QUERY:
            return ()
        return fields_read(document, operation.operation_name)

    def _located(self, error: GraphQLError) -> GraphQLError:
        """Return the error with the path of the subscription's field, if the field's own stream raised it.

        graphql-core adds the path only to errors that are raised before the stream begins.
        """
        operation, document = self.execution_context, self.execution_context.graphql_document
        if error.path or document is None or operation.operation_type is not OperationType.SUBSCRIPTION:
            return error
        field = subscribed_field(document, operation.operation_name)
        key = field.alias.value if field.alias else field.name.value
        return located_error(error.original_error or error, [field], [key])


def extensions_of(context: Context) -> dict[str, Any]:
    """Return a response's extensions: freshness of the read models, and cost and token, if any."""
    extensions: dict[str, Any] = {}
    if context.cost is not None:
        context.settle()
        extensions["cost"] = context.cost.shown() | (context.account.shown() if context.account else {})
    extensions["freshness"] = [freshness_extension(each) for each in context.reading.freshness()]
    if token := context.token_to_tell:
        extensions[TOKEN_EXTENSION] = token
    return extensions
