"""What a client sends, over whatever transport: one operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from app.cqrs.sizes import bytes_of, compact

NO_VARIABLES = b"{}"

LONGEST_TEXT = 100_000
"""Characters of an operation's text. To read so many takes up to 15 ms, whatever they are; 4,000 tokens, the
most that an operation may have, rarely come to half of it.
"""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a client sends."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    after: str | None = None
    """A cursor that takes the place of the operation's own `after`, such as a `Last-Event-ID`."""

    @cached_property
    def key(self) -> tuple[str, str | None, bytes]:
        """All that an answer depends on beside the documents and who asks, as something to find it by."""
        variables = compact(orjson.dumps(self.variables)) if self.variables else NO_VARIABLES
        return self.query, self.operation_name, variables

    @property
    def size(self) -> int:
        """Bytes of the key."""
        return bytes_of(self.key)


def complaint_about_operation(sent: object) -> str | None:
    """Why this is no operation: each of its parts has one type."""
    if not isinstance(sent, dict):
        return "Send one JSON object with query, variables and operationName."
    if not isinstance(sent.get("query"), str) or not sent["query"].strip():
        return "query must be a string with an operation."
    for part in ("variables", "extensions"):
        if not isinstance(sent.get(part), dict | None):
            return f"{part} must be an object or null."
    if not isinstance(sent.get("operationName"), str | None):
        return "operationName must be a string or null."
    if is_too_deep(sent.get("variables")):
        return "variables are nested too deeply."
    return None


def complaint_about_length(text: str) -> str | None:
    """Return why an operation's text is too long to be read; `None` where it is not."""
    if len(text) <= LONGEST_TEXT:
        return None
    return (
        f"The operation's text has {len(text):,} characters. At most {LONGEST_TEXT:,} are allowed: "
        "send long values as variables, and leave out comments."
    )


def is_too_deep(value: object) -> bool:
    """Return whether JSON of a client is nested so deeply that it can't be sent on inside something else.

    orjson reads 1,024 levels and writes 254. Ten levels are left for what is written around the value: a
    message, its payload, a list of errors, the key of an answer.
    """
    try:
        orjson.dumps([[[[[[[[[[value]]]]]]]]]])
    except TypeError:
        return True
    return False
