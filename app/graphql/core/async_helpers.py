"""Executors that are freed with their operation, and not only at the next garbage collection."""

from collections.abc import Sequence
from typing import Any
from weakref import ref

from graphql import GraphQLResolveInfoHelpers
from graphql.execution import Executor


def use_weak_helpers(executor: Executor[Any]) -> None:
    """Replace the strong references to an executor in its helpers for resolvers with weak ones.

    With graphql-core's helpers an executor refers to itself. It would stay in memory with its document and
    text, up to 3 MB, until the next garbage collection: 150 MB for a hundred large texts.
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
