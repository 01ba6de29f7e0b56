"""The results of operations, encoded as JSON."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from strawberry.types.execution import ExecutionResult

from app.cqrs.freshness.progress import Freshness
from app.graphql.admission.budgets import Account, Budget
from app.graphql.admission.cost import Cost
from app.graphql.execution.freshness import freshness_extension
from app.graphql.execution.operation import TOKEN_EXTENSION

_TOKEN = TOKEN_EXTENSION.encode()


def was_executed(result: ExecutionResult) -> bool:
    """Return whether execution has begun; the result of a request error has no `data`, and errors no path."""
    return result.data is not None or any(error.path for error in result.errors or ())


def with_cost(data: bytes, cost: Cost) -> bytes:
    """Return the part of an answer that can be cached: the encoded data, followed by the cost, left open."""
    return b'{"data":%b,"extensions":{"cost":%b' % (data, orjson.dumps(cost.shown())[:-1])


def with_freshness(answer: bytes, freshness: Iterable[Freshness], account: Account | None = None) -> bytes:
    """Return a whole answer: the part from `with_cost`, followed by the spending and the freshness."""
    spent = account.encoded() if account else b"}"
    return b'%b%b,"freshness":[%b]}}' % (answer, spent, b",".join(map(_encoded, freshness)))


def with_left(answer: bytes, left: float, budget: Budget, freshness: Iterable[Freshness]) -> bytes:
    """Return a whole answer: the part from `with_cost` and `spent`, with what is left and the freshness."""
    encoded = b",".join(map(_encoded, freshness))
    return b'%b%d%b,"freshness":[%b]}}' % (answer, int(left), budget.encoded, encoded)


def with_token(answer: bytes, token: str | None) -> bytes:
    """Return a whole answer with the consistency token in its extensions, if there is one."""
    return b'%b,"%b":"%b"}}' % (answer[:-2], _TOKEN, token.encode()) if token else answer


def result_in(answer: bytes) -> memoryview | None:
    """Return the data and the errors in a whole answer, encoded; `None` if there is no data.

    They stay the same as long as the documents do. The extensions, which end the answer, tell the moment.
    """
    if not answer.startswith(b'{"data":'):
        return None
    return memoryview(answer)[: answer.rindex(b',"extensions":{')]


def has_errors(answer: bytes) -> bool:
    """Return whether a whole answer, encoded, has errors."""
    if not answer.startswith(b'{"data":'):
        return answer.startswith(b'{"errors":')
    end = answer.rfind(b',"extensions":{')
    return answer[end - 1 : end] == b"]"  # Data is an object or null, and errors come after it.


@lru_cache(100)
def _encoded(freshness: Freshness) -> bytes:
    return orjson.dumps(freshness_extension(freshness))


def encoded(result: ExecutionResult) -> bytes:
    """Return the result as JSON in UTF-8, on one line."""
    shown: dict[str, Any] = {}
    if was_executed(result):
        shown["data"] = result.data
    if result.errors:
        shown["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        shown["extensions"] = result.extensions
    return orjson.dumps(shown)
