"""Errors in the form that clients may see: with a code, and without details meant for the operator."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    ValueNode,
)

from app.cqrs.commands.write_store import Conflict
from app.cqrs.freshness.progress import ReadModelBehind
from app.cqrs.freshness.tokens import BadToken
from app.cqrs.impersonal import outline
from app.cqrs.reading.pages import BadPage
from app.cqrs.unavailable import ReadStoreUnavailable, WriteStoreBusy, WriteStoreUnavailable
from app.graphql.execution.context import SentCommand
from app.graphql.execution.freshness import freshness_extension
from app.graphql.execution.refusals import BadArgument
from app.graphql.execution.visibility import NotVisible

CODES: dict[type[Exception], str] = {
    BadToken: "BAD_TOKEN",
    BadPage: "BAD_PAGE",
    ReadModelBehind: "READ_MODEL_BEHIND",
    ReadStoreUnavailable: "READ_STORE_UNAVAILABLE",
    WriteStoreBusy: "WRITE_STORE_BUSY",
    WriteStoreUnavailable: "WRITE_STORE_UNAVAILABLE",
    Conflict: "CONFLICT",
    NotVisible: "FORBIDDEN",
}
"""The exceptions whose messages a client may see, and their codes."""

Sent = Mapping[str | int, SentCommand | Sequence[SentCommand]]
"""The commands that mutations have sent, by the response keys of their fields."""

_NOTHING: Sent = MappingProxyType({})

logger = logging.getLogger(__name__)


def presentable(error: GraphQLError, sent: Sent = _NOTHING) -> GraphQLError:
    """Return the error with a code, and without details meant for the operator.

    The error of one of the `sent` commands also has the id with which that command can be sent again; an
    error of a whole list of commands has all ids.
    """
    shown = _presentable(error)
    commands = sent.get(error.path[0]) if sent and error.path else None
    if isinstance(commands, SentCommand):
        return _of_command(shown, commands)
    if commands and error.path:
        number = next((step for step in error.path if isinstance(step, int)), None)
        return _of_list(shown, commands) if number is None else _of_command(shown, commands[number])
    return shown


def _of_list(error: GraphQLError, commands: Sequence[SentCommand]) -> GraphQLError:
    ids = [str(command.command_id) for command in commands]
    return _with_message(error, error.message, {**(error.extensions or {}), "commandIds": ids})


def _of_command(error: GraphQLError, command: SentCommand) -> GraphQLError:
    id, message = str(command.command_id), error.message
    # The rest of a result with a hidden field is shown, and repeating the command would not show the field.
    is_hidden = (error.extensions or {}).get("code") == CODES[NotVisible]
    if command.accepted and not is_hidden:
        message = f"The command took effect (commandId {id}), but its result can't be shown: {message}"
    elif not command.accepted and id not in message:
        message = f"{message} With the commandId {id} the command takes effect once."
    return _with_message(error, message, {**(error.extensions or {}), "commandId": id})


def _presentable(error: GraphQLError) -> GraphQLError:
    original = error.original_error
    if original is None or _is_of_input(error):
        code = "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "BAD_USER_INPUT"
        error.extensions = {"code": code, **(error.extensions or {})}
        return error
    if isinstance(original, BadArgument):
        return _with_message(error, str(original), {"code": original.code})
    for kind, code in CODES.items():
        if isinstance(original, kind):
            return _with_message(error, str(original), {"code": code, **_details(original)})
    logger.error("A resolver failed at %s: %s", error.path, outline(original))
    return _with_message(
        error, "Something went wrong on our side. Try again, or report this.", {"code": "INTERNAL"}
    )


def forget_frames(errors: Iterable[GraphQLError]) -> None:
    """Remove the tracebacks from errors that have been logged.

    The frames of a traceback refer to the operation, and the operation to its errors. Otherwise a document of
    thousands of nodes would stay in memory until a garbage collection, which would then take long.
    """
    for error in errors:
        each: Exception | None = error
        while each:
            each.__traceback__ = None
            each = getattr(each, "original_error", None)


def without_suggestion(error: GraphQLError) -> GraphQLError:
    """Return the error without the suggestion "Did you mean …?" that graphql-core appends to its message."""
    message, suggestion, _ = error.message.partition(" Did you mean ")
    return _with_message(error, message, error.extensions or {}) if suggestion else error


def _is_of_input(error: GraphQLError) -> bool:
    """Return whether an error was raised by GraphQL itself and is about something that the client sent.

    An error without a path is about the request. A field's error is about the client's input if it is a
    refusal, which has a code, or is located at an argument's value. All others are about values that a
    resolver returned, such as a number too large for its type.
    """
    original = error.original_error
    if not isinstance(original, GraphQLError):
        return False
    of_argument = any(isinstance(node, ValueNode) for node in original.nodes or ())
    return error.path is None or of_argument or "code" in (original.extensions or {})


def _with_message(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
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
    if isinstance(error, WriteStoreBusy):
        return {"retryAfter": round(error.wait, 1)}
    return {}
