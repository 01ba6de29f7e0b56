"""The outcome of an operation, as clients get it."""

from typing import Any

import orjson
from strawberry.types.execution import ExecutionResult


def was_executed(result: ExecutionResult) -> bool:
    """Whether anything was executed; a request error has no `data`, not even null, and no place in it."""
    return result.data is not None or any(error.path for error in result.errors or ())


def encoded(result: ExecutionResult) -> bytes:
    """The result as JSON in UTF-8, on one line."""
    shown: dict[str, Any] = {}
    if was_executed(result):
        shown["data"] = result.data
    if result.errors:
        shown["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        shown["extensions"] = result.extensions
    return orjson.dumps(shown)
