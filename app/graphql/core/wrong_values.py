"""Wrong values in error messages, as JSON: graphql-core writes them as Python, which clients do not speak."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    VariableDefinitionNode,
    validate_input_value,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.pyutils import inspect, print_path_list

MOST_ERRORS = 50
"""Errors of a variable that are looked at; graphql-core tells no more of all variables together."""

DEEPEST, MOST_ITEMS, LONGEST = 2, 10, 240
"""Levels, items of a list or an object, and characters of a string, that a message repeats of a value."""


class _EnoughError(Exception):
    """As many errors were found as a response has."""


def with_values_in_json(
    errors: Sequence[GraphQLError], schema: GraphQLSchema, variables: Mapping[str, Any] | None
) -> list[GraphQLError]:
    """Return the errors; those of variables repeat the wrong values as JSON.

    An error does not have its value, so a variable with an error is validated again to find it.
    """
    messages: dict[str, str] = {}
    definitions = {id(each): each for error in errors if (each := _variable_of(error))}
    for definition in definitions.values():
        if (name := definition.variable.name.value) in (variables or {}):
            messages |= _messages(definition, schema, (variables or {})[name])
    return [
        _with_message(error, messages[error.message]) if error.message in messages else error
        for error in errors
    ]


def with_value_in_json(message: str, value: object) -> str:
    """Return graphql-core's message about a wrong value, with the value as JSON."""
    if value is None:
        start = message.removesuffix("None.")
        return message if start == message else f"{start}null."
    written, shown = inspect(value), in_json(value)
    start, colon, end = message.rpartition(f": {written}")  # A name before it may look like the value.
    return f"{start}: {shown}{end}" if colon else message.replace(written, shown, 1)


def in_json(value: object, levels: int = DEEPEST) -> str:
    """Return a value that came as JSON in JSON, shortened if it is large."""
    if isinstance(value, str):
        value = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    elif isinstance(value, dict | list) and value:
        frame = "{%s}" if isinstance(value, dict) else "[%s]"
        if not levels:
            return frame % "…"
        if isinstance(value, dict):
            some = islice(value.items(), MOST_ITEMS)
            parts = [f"{in_json(key)}: {in_json(each, levels - 1)}" for key, each in some]
        else:
            parts = [in_json(each, levels - 1) for each in value[:MOST_ITEMS]]
        return frame % ", ".join([*parts, "…"] if len(value) > MOST_ITEMS else parts)
    return json.dumps(value, ensure_ascii=False)


def _variable_of(error: GraphQLError) -> VariableDefinitionNode | None:
    """Return the definition of the variable that an error is about; `None` for any other error."""
    node = error.nodes[0] if error.nodes else None
    return node if isinstance(node, VariableDefinitionNode) and error.path is None else None


def _messages(definition: VariableDefinitionNode, schema: GraphQLSchema, sent: object) -> dict[str, str]:
    """Return the messages about a variable's value, by those that graphql-core writes."""
    found: dict[str, str] = {}

    def report(error: GraphQLError, path: list[str | int]) -> None:
        start = f"Variable '${definition.variable.name.value}' has invalid value{print_path_list(path)}: "
        value: Any = sent
        for step in path:
            # A value in the place of a list is taken for its only item, without a step for it in the path.
            value = value[step]
        found[start + error.message] = start + with_value_in_json(error.message, value)
        if len(found) >= MOST_ERRORS:
            raise _EnoughError

    signature = get_variable_signature(schema, definition)
    if not isinstance(signature, GraphQLError):
        with suppress(_EnoughError):
            validate_input_value(sent, signature.type, report)
    return found


def _with_message(error: GraphQLError, message: str) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        original_error=error.original_error,
        extensions=error.extensions,
    )
