"""Executors that are freed with their operation, and not when the garbage collector comes by."""

from collections.abc import Sequence
from typing import Any
from weakref import ref

from graphql import GraphQLResolveInfoHelpers
from graphql.execution import Executor


def help_weakly(executor: Executor[Any]) -> None:
    """Have what an executor gives to resolvers refer to it weakly.

    graphql-core has each executor refer to itself there. Then it stays after its end, with a document and a
    text of up to 3 MB, until the garbage collector comes by: with a hundred large texts these are 150 MB.
    """
    weak = ref(executor)

    def gather(awaitables: Sequence[Any]) -> Any:
        return _alive(weak).gather_async_work(awaitables)

    def track(awaitables: Sequence[Any]) -> None:
        _alive(weak).track_async_work(awaitables)

    executor.async_helpers = GraphQLResolveInfoHelpers(gather=gather, track=track)


def _alive(weak: "ref[Executor[Any]]") -> Executor[Any]:
    executor = weak()
    assert executor is not None, "an executor outlives what it executes"
    return executor
