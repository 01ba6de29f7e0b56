"""Operations in the form in which clients send them, over any transport."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from app.cqrs.memory.sizes import bytes_of, compact
from app.graphql.admission.persisted import id_in, problem_with_id

NO_VARIABLES = b"{}"

TOKEN_EXTENSION = "consistencyToken"  # noqa: S105 - the name of an extension
"""The key of the consistency tokens in a request's `extensions`, and of the token in those of an answer."""

TRACE_EXTENSION = "traceparent"
"""The key of the caller's place in a trace in a request's `extensions`, for transports without headers."""

LONGEST_TEXT = 100_000
"""Characters that an operation's text may have. Parsing so many takes up to 15 ms in the worst case, and an
operation of 4,000 tokens, the most allowed, rarely has half of them.
"""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as a client sends it."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    after: str | None = None
    """A cursor that replaces the operation's argument `after`, such as a `Last-Event-ID`."""

    tokens: str | None = None
    """The consistency tokens in the request's `extensions`, separated by commas; `None` without the key."""

    traceparent: str | None = None
    """The caller's place in a trace, from the request's `extensions`; any text."""

    @cached_property
    def key(self) -> tuple[str, str | None, bytes]:
        """The cache key of the answer: everything that it depends on, except the documents and the viewer."""
        variables = compact(orjson.dumps(self.variables)) if self.variables else NO_VARIABLES
        return self.query, self.operation_name, variables

    @property
    def size(self) -> int:
        """The size of the key in memory, in bytes."""
        return bytes_of(self.key)

    def tokens_with(self, others: str) -> str:
        """Return the tokens of this operation and others that came with it, separated by commas."""
        return f"{others},{self.tokens}" if others and self.tokens else self.tokens or others


def tokens_in(sent: Mapping[str, Any]) -> str | None:
    """Return the consistency tokens in the `extensions` of a client's operation, whose parts are valid.

    Return an empty text for null: the client has no token yet, and wants one in its answer's `extensions`.
    """
    extensions = sent.get("extensions") or {}
    return extensions[TOKEN_EXTENSION] or "" if TOKEN_EXTENSION in extensions else None


def traceparent_in(sent: Mapping[str, Any]) -> str | None:
    """Return the caller's place in a trace, from the `extensions` of its operation, whose parts are valid."""
    place = (sent.get("extensions") or {}).get(TRACE_EXTENSION)
    return place if isinstance(place, str) else None


def problem_with_operation(sent: object) -> str | None:
    """Return what is wrong with an operation in a client's JSON; `None` if all its parts have valid types."""
    if not isinstance(sent, dict):
        return "This is not a JSON object. Send one with query, variables and operationName."
    for part in ("variables", "extensions"):
        if not isinstance(sent.get(part), dict | None):
            return f"{part} must be an object or null."
    if problem := problem_with_id(sent):
        return problem
    if not isinstance((sent.get("extensions") or {}).get(TOKEN_EXTENSION), str | None):
        return f"extensions.{TOKEN_EXTENSION} must be a string or null."
    query = sent.get("query")
    if (query or id_in(sent) is None) and not (isinstance(query, str) and query.strip()):
        return "query is not a string with an operation. Send the text of one."
    if not isinstance(sent.get("operationName"), str | None):
        return "operationName must be a string or null."
    if is_too_deep(sent.get("variables")):
        return "variables are nested too deeply. Send fewer levels."
    return None


def problem_with_length(text: str) -> str | None:
    """Return an error message if an operation's text is too long to be parsed; otherwise `None`."""
    if len(text) <= LONGEST_TEXT:
        return None
    return (
        f"The operation's text has {len(text):,} characters. At most {LONGEST_TEXT:,} are allowed: "
        "send long values as variables, and leave out comments."
    )


def is_too_deep(value: object) -> bool:
    """Return whether a client's JSON value is nested too deeply to be sent back within a message.

    orjson reads 1,024 levels and writes 254. Ten levels are reserved for the JSON around the value: a
    message, its payload, a list of errors, the key of an answer.
    """
    try:
        orjson.dumps([[[[[[[[[[value]]]]]]]]]])
    except TypeError:
        return True
    return False
