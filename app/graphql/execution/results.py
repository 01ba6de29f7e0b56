"""The outcome of an operation, as clients get it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from strawberry.types.execution import ExecutionResult

from app.cqrs.freshness.progress import Freshness
from app.graphql.admission.cost import Cost
from app.graphql.execution.freshness import freshness_extension


def was_executed(result: ExecutionResult) -> bool:
    """Whether anything was executed; a request error has no `data`, not even null, and no place in it."""
    return result.data is not None or any(error.path for error in result.errors or ())


def with_cost(data: bytes, cost: Cost) -> bytes:
    """Return an answer without errors, of data that is encoded already, as far as it is the same again."""
    return b'{"data":%b,"extensions":{"cost":%b,' % (data, orjson.dumps(cost.shown()))


def with_freshness(answer: bytes, freshness: Iterable[Freshness]) -> bytes:
    """Return the whole of an answer from `with_cost`."""
    return b'%b"freshness":[%b]}}' % (answer, b",".join(map(_encoded, freshness)))


@lru_cache(100)
def _encoded(freshness: Freshness) -> bytes:
    return orjson.dumps(freshness_extension(freshness))


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
