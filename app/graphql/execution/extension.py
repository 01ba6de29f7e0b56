"""What surrounds every operation: its own context, its tokens, its errors and its freshness."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from graphql import ExecutionResult as CoreResult
from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    ValueNode,
    located_error,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError, StreamExecutionResult
from strawberry.types.graphql import OperationType

from app.cqrs.commands.bus import Conflict
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.freshness.tokens import BadToken
from app.cqrs.impersonal import outline
from app.cqrs.reading.pages import BadPage
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreUnavailable
from app.graphql.execution.context import Context, SentCommand
from app.graphql.execution.freshness import freshness_extension
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.subscribed import subscribed_field

CODES: dict[type[Exception], str] = {
    BadToken: "BAD_TOKEN",
    BadPage: "BAD_PAGE",
    ReadModelBehind: "READ_MODEL_BEHIND",
    ReadStoreUnavailable: "READ_STORE_UNAVAILABLE",
    WriteStoreUnavailable: "WRITE_STORE_UNAVAILABLE",
    Conflict: "CONFLICT",
}
"""The exceptions that a client is told of, and their codes."""

_NOTHING: Mapping[str | int, SentCommand] = MappingProxyType({})

logger = logging.getLogger(__name__)


class Operation(SchemaExtension):
    """Gives each operation its own reads, and each response its freshness, token and clear errors."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Before: what must be seen. After: what was seen."""
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
        """Subscriptions need a connection that stays open."""
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
        """The same for each result of a subscription."""
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


def extensions_of(context: Context) -> dict[str, Any]:
    """Return a response's extensions: what was asked for, and how fresh each read model was."""
    freshness = {"freshness": [freshness_extension(each) for each in context.reading.freshness()]}
    return {"cost": context.cost.shown(), **freshness} if context.cost else freshness


def presentable(error: GraphQLError, sent: Mapping[str | int, SentCommand] = _NOTHING) -> GraphQLError:
    """The error as a client may see it: with a code, and without what only the operator should know.

    Where it befell one of the commands that were `sent`, it has the id to send that command again with.
    """
    shown = _presentable(error)
    command = sent.get(error.path[0]) if sent and error.path else None
    return _of_command(shown, command) if command else shown


def _of_command(error: GraphQLError, command: SentCommand) -> GraphQLError:
    id, message = str(command.command_id), error.message
    if command.accepted:
        message = f"The command took effect (commandId {id}), but its outcome can't be shown: {message}"
    elif id not in message:
        message = f"{message} With the commandId {id} the command takes effect once."
    return _told(error, message, {**(error.extensions or {}), "commandId": id})


def _presentable(error: GraphQLError) -> GraphQLError:
    original = error.original_error
    if original is None or isinstance(original, CannotGetOperationTypeError) or _is_of_input(error):
        code = "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "BAD_USER_INPUT"
        error.extensions = {"code": code, **(error.extensions or {})}
        return error
    if isinstance(original, BadArgument):
        return _told(error, str(original), {"code": original.code})
    for kind, code in CODES.items():
        if isinstance(original, kind):
            return _told(error, str(original), {"code": code, **_details(original)})
    logger.error("A resolver failed at %s: %s", error.path, outline(original))
    return _told(error, "Something went wrong on our side. Try again, or report this.", {"code": "INTERNAL"})


def without_suggestion(error: GraphQLError) -> GraphQLError:
    """Return the error without the names that graphql-core appends to its messages: "Did you mean …?"."""
    message, suggestion, _ = error.message.partition(" Did you mean ")
    return _told(error, message, error.extensions or {}) if suggestion else error


def _is_of_input(error: GraphQLError) -> bool:
    """Return whether GraphQL itself complains, and of what the client sent.

    Without a path it complains of the request. A field's error is the client's where it is a refusal, which
    has a code, or is located at an argument's value. Everything else is in what we resolved, such as a number
    too large for its type.
    """
    original = error.original_error
    if not isinstance(original, GraphQLError):
        return False
    of_argument = any(isinstance(node, ValueNode) for node in original.nodes or ())
    return error.path is None or of_argument or "code" in (original.extensions or {})


def _told(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


def _details(error: Exception) -> dict[str, Any]:
    if isinstance(error, ReadModelBehind):
        return {"wanted": str(error.wanted), "freshness": freshness_extension(error.freshness)}
    return {}
