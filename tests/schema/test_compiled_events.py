"""Events that compiled functions show are what graphql-core would show."""

from typing import Any
from uuid import uuid4

import pytest

from app.graphql.compiled.answers import CompiledQueries
from app.graphql.execution.operation import Operation
from app.graphql.execution.subscription_state import SubscriptionState
from tests.lists.kept import FOLLOW_PRODUCTS
from tests.schema.client import Client
from tests.schema.shop import Shop
from tests.schema.test_live_lists import follow


async def test_compiled_functions_show_events_as_graphql_core_does(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, shown, compiled = CompiledQueries.event_shape, SubscriptionState.shown, list[Any]()

    async def unless_plain(self: CompiledQueries, operation: Operation, context: Any) -> Any:
        return None if "# plain" in operation.query else await shape(self, operation, context)

    def noted(self: SubscriptionState, event: Any, context: Any) -> Any:
        compiled.append(shown(self, event, context))
        return compiled[-1]

    monkeypatch.setattr(CompiledQueries, "event_shape", unless_plain)
    monkeypatch.setattr(SubscriptionState, "shown", noted)
    category = f"Kettles {uuid4()}"
    some = [await shop.product(name=f"Kettle {n}", category=category, stock=n) for n in range(4)]
    variables = {"filter": {"search": "kettle", "categories": [category]}, "first": 3}
    async with (
        follow(client, FOLLOW_PRODUCTS, variables) as one,
        follow(client, f"{FOLLOW_PRODUCTS} # plain", variables) as other,
    ):
        assert await one.next() == await other.next()
        for product in some[:2]:
            for price in ("7.50", "8.50"):
                await client.mutate("changePrice", "", productId=product, unitPrice={"amount": price})
                assert await one.next() == await other.next()
        await client.mutate("updateProduct", "", productId=some[0], name="Pot")
        assert await one.next() == await other.next()
    assert len(compiled) > 2
    assert None not in compiled
