"""A subscription that stays open keeps nothing of the items that it was sent."""

from collections.abc import AsyncIterator
from typing import Any

import graphql
import strawberry
from graphql.execution import Executor

from app.graphql.core.collected_fields import EventExecutor
from app.graphql.internals.graphql_core import collected_by
from schema.root import schema as shops_schema

ITEMS = 50


@strawberry.type
class Product:
    on_hand: int


@strawberry.type
class Query:
    product: Product | None = None


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def product_updated(self) -> AsyncIterator[Product]:
        for number in range(ITEMS):
            yield Product(on_hand=number)


def noting(kind: type[Any], noted: list[Executor[Any]]) -> type[Any]:
    """An executor class that notes the subscription's own executor, and then that of each event."""

    class Noting(kind):  # type: ignore[misc]
        def build_per_event_executor(self, payload: Any) -> Executor[Any]:
            executor: Executor[Any] = super().build_per_event_executor(payload)
            noted.extend([executor] if noted else [self, executor])
            return executor

    return Noting


async def collected_in_a_subscription(kind: type[Any]) -> list[int]:
    """The number of lists that is kept by the subscription's own executor, and by that of each event."""
    noted: list[Executor[Any]] = []
    schema = strawberry.Schema(Query, subscription=Subscription, execution_context_class=noting(kind, noted))
    results = [each async for each in await schema.stream("subscription { productUpdated { onHand } }")]
    assert [getattr(each, "data", None) for each in results] == [
        {"productUpdated": {"onHand": n}} for n in range(ITEMS)
    ]
    return [len(collected_by(each)) for each in noted]


async def test_an_event_leaves_no_collected_fields_to_the_subscription() -> None:
    assert await collected_in_a_subscription(EventExecutor) == [0] + ITEMS * [1]


async def test_the_library_still_leaves_them() -> None:
    """Once this fails, the library has mended it, and `EventExecutor` can go."""
    left, *_ = await collected_in_a_subscription(EventExecutor.__base__)  # type: ignore[arg-type]
    assert left == ITEMS, f"graphql-core {graphql.version} shares no sub-fields: remove EventExecutor"


def test_the_shop_is_executed_so() -> None:
    assert issubclass(shops_schema.execution_context_class, EventExecutor)
