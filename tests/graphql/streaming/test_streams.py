"""Subscribers to the same share one execution, and still each is told the truth about what it was sent."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from app.cqrs.lists.following import LiveLists
from app.cqrs.live.notices import Notices
from app.cqrs.viewers import OPEN
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.streaming.executing import Item, Operations, Refused
from app.graphql.streaming.streams import Streams
from schema.root import schema
from tests.inprocess import Service
from tests.schema.shop import Shop

PRODUCT = """subscription ($id: ID!, $after: ConsistencyToken) {
    productUpdated(id: $id, after: $after) { place: cursor missed: lagged product { onHand } } }"""
ORDERS = """subscription ($id: ID!, $after: ConsistencyToken) {
    customerOrdersUpdated(customerId: $id, after: $after) { lagged order { id customer { name } } } }"""
LIST = """subscription ($filter: ProductFilter, $after: ConsistencyToken) {
    productsUpdated(filter: $filter, after: $after) { lagged
        edges { node { onHand } } changes { kind edge { node { onHand } } } } }"""
ALL = """subscription ($models: [ReadModelName!], $after: ConsistencyToken) {
    readModelUpdates(readModels: $models, after: $after) { __typename
        ... on DocumentChanged { position }
        ... on Lagged { cursor many: count } } }"""


class Subscribers:
    """Opens streams on one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.streams = Streams(Operations(schema))

    @asynccontextmanager
    async def open(
        self,
        query: str,
        after: str | None = None,
        *,
        at_once: Callable[[Item], bool] = lambda _item: False,
        **variables: Any,
    ) -> AsyncIterator[AsyncGenerator[Item, None]]:
        operation = Operation(query=query, variables={**variables, "after": after})
        context = Context(self.service.circle, OPEN)
        async with aclosing(self.streams.open(operation, context, at_once)) as items:
            yield items

    def executions(self) -> int:
        """How many executions listen for notices."""
        notices: Notices = self.service.circle.live._notices
        return sum(len(each) for each in notices._listeners.values())

    async def come_to_lists(self, followers: int) -> None:
        """Returns when so many executions follow lists."""
        lists: LiveLists = self.service.circle.lists
        async with asyncio.timeout(20):
            while sum(each.followers for each in lists._lists.values()) != followers:
                await self.service.client.send("{ __typename }")

    async def come_to(self, executions: int) -> None:
        async with asyncio.timeout(20):
            while self.executions() != executions:
                await self.service.client.send("{ __typename }")


@pytest.fixture
async def subscribers(service: Service) -> Subscribers:
    made = Subscribers(service)
    await made.come_to(0)
    return made


def shown(item: Item) -> Any:
    [field] = json.loads(item.body)["data"].values()
    return field


async def receive(shop: Shop, product: str, times: int = 1) -> str:
    """Puts units into stock one by one; returns the last receipt's token once it can be read."""
    for _ in range(times):
        received = await shop.client.mutate(
            "receiveStock", "product { onHand }", productId=product, quantity=1
        )
    token: str = received["receipt"]["token"]
    return token


async def test_equal_subscriptions_are_executed_and_encoded_once(
    subscribers: Subscribers, shop: Shop
) -> None:
    product = await shop.product()
    async with (
        subscribers.open(PRODUCT, id=product) as one,
        subscribers.open(PRODUCT, id=product) as other,
        subscribers.open(PRODUCT.replace("missed: ", ""), id=product) as unlike,
    ):
        first = await asyncio.gather(anext(one), anext(other), anext(unlike))
        assert first[0] is first[1]
        assert subscribers.executions() == 2
        await receive(shop, product)
        second = await asyncio.gather(anext(one), anext(other), anext(unlike))
        assert second[0] is second[1]
        assert [shown(item)["product"]["onHand"] for item in second] == [1, 1, 1]
    await subscribers.come_to(0)


async def test_newcomers_get_the_document_at_once_and_share_from_then_on(
    subscribers: Subscribers, shop: Shop
) -> None:
    product = await shop.product()
    async with subscribers.open(PRODUCT, id=product) as early:
        await anext(early)
        await receive(shop, product, 3)
        while shown(known := await anext(early))["product"]["onHand"] < 3:
            pass
        async with (
            subscribers.open(PRODUCT, id=product) as late,
            subscribers.open(PRODUCT, id=product, after=known.cursor) as resumed,
        ):
            assert shown(await anext(late))["product"]["onHand"] == 3
            following = asyncio.create_task(anext(resumed))
            await receive(shop, product)
            items = [await anext(early), await anext(late), await following]
            assert len({id(item) for item in items}) <= 2, "the one that resumed fell in with its first item"
            await subscribers.come_to(1)
            await receive(shop, product)
            items = [await anext(early), await anext(late), await anext(resumed)]
            assert items[0] is items[1] is items[2]


async def test_an_execution_goes_on_when_the_one_who_started_it_leaves(
    subscribers: Subscribers, shop: Shop
) -> None:
    product = await shop.product()
    async with subscribers.open(PRODUCT, id=product) as staying:
        async with subscribers.open(PRODUCT, id=product) as leaving:
            await asyncio.gather(anext(leaving), anext(staying))
        await receive(shop, product)
        assert shown(await anext(staying))["product"]["onHand"] == 1


async def test_who_is_slow_gets_the_newest_state_and_a_count_and_slows_nobody(
    subscribers: Subscribers, shop: Shop
) -> None:
    product = await shop.product()
    async with (
        subscribers.open(PRODUCT, id=product) as fast,
        subscribers.open(PRODUCT, id=product) as slow,
    ):
        await asyncio.gather(anext(fast), anext(slow))
        missed = 0
        for units in range(1, 6):
            await receive(shop, product)
            item = shown(await anext(fast))
            assert item["product"]["onHand"] == units
            missed += item["missed"]
        item = await anext(slow)
        assert shown(item) == {"place": item.cursor, "missed": 4 + missed, "product": {"onHand": 5}}
        await receive(shop, product)
        assert await anext(slow) is await anext(fast)


async def test_who_is_slow_alone_gets_the_newest_state_too(subscribers: Subscribers, shop: Shop) -> None:
    product = await shop.product()
    async with subscribers.open(PRODUCT, id=product) as items:
        await anext(items)
        await receive(shop, product, 20)
        seen = [shown(await anext(items))]
        while seen[-1]["product"]["onHand"] < 20:
            seen.append(shown(await anext(items)))
    assert len(seen) <= 3, "what was made before it was known that nobody takes it, and the newest"
    assert sum(1 + item["missed"] for item in seen) == 20


@pytest.mark.campaign
async def test_who_is_too_slow_for_notices_is_told_how_many_were_passed_over(
    subscribers: Subscribers, shop: Shop
) -> None:
    product = await shop.product()
    async with (
        subscribers.open(ALL, models=["PRODUCT_LISTING"]) as fast,
        subscribers.open(ALL, models=["PRODUCT_LISTING"]) as slow,
    ):
        first = await asyncio.gather(anext(fast), anext(slow))
        notices = [await _published(shop, product, fast) for _ in range(300)]
        items = [await anext(slow) for _ in range(257)]
    lagged, *rest = (shown(item) for item in items)
    assert lagged == {"__typename": "Lagged", "cursor": first[0].cursor, "many": 44}
    assert [each["position"] for each in rest] == [each["position"] for each in notices[-256:]]
    assert [item.cursor for item in items[1:]] == sorted({str(item.cursor) for item in items[1:]})


@pytest.mark.campaign
async def test_more_documents_than_may_wait_are_read_again_and_none_is_lost(
    subscribers: Subscribers, shop: Shop
) -> None:
    count = 260
    customer, product = await shop.customer(name="Before"), await shop.product(stock=count)
    for _ in range(count):
        await shop.order(customer=customer, product=product)
    async with (
        subscribers.open(ORDERS, id=customer) as fast,
        subscribers.open(ORDERS, id=customer) as slow,
    ):
        await asyncio.gather(_orders(fast, count, "Before"), _orders(slow, count, "Before"))
        await shop.client.mutate("updateCustomer", "", customerId=customer, name="After")
        orders = await _orders(fast, count, "After")
        assert await _orders(slow, count, "After") == orders


async def test_who_is_too_slow_for_a_list_is_sent_the_difference_in_one_item(
    subscribers: Subscribers, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.graphql.streaming.subscribers.MOST_QUEUED", 3)
    category = f"Slow {await shop.product()}"
    product = await shop.product(category=category)
    await receive(shop, product)
    asked: dict[str, Any] = {"filter": {"categories": [category]}}
    async with subscribers.open(LIST, **asked) as fast, subscribers.open(LIST, **asked) as slow:
        first = await asyncio.gather(anext(fast), anext(slow))
        assert first[0] is first[1]
        states = 0
        for units in range(2, 10):
            await receive(shop, product)
            item = shown(await anext(fast))
            assert item["changes"][0]["edge"]["node"]["onHand"] == units
            states += 1 + item["lagged"]
        item = shown(await anext(slow))
        assert item["edges"] is None, "the list goes on"
        assert item["lagged"] == states - 1
        assert item["changes"] == [{"kind": "CHANGED", "edge": {"node": {"onHand": 9}}}]
        await subscribers.come_to_lists(1)
        await receive(shop, product)
        assert await anext(slow) is await anext(fast)
    await subscribers.come_to_lists(0)


async def test_what_can_not_be_executed_is_refused_for_everyone(subscribers: Subscribers) -> None:
    async with subscribers.open(PRODUCT) as one, subscribers.open(PRODUCT) as other:
        for refused in await asyncio.gather(anext(one), anext(other), return_exceptions=True):
            assert isinstance(refused, Refused)
            assert refused.errors[0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("seed", range(8))
async def test_cursors_rise_and_nothing_is_lost_whoever_joins_and_leaves_when(
    subscribers: Subscribers, shop: Shop, seed: int
) -> None:
    chance, last = random.Random(seed), 25
    product = await shop.product()

    async def subscribe() -> None:
        units, cursor = -1, None
        while units < last:
            patience = chance.choice([0, 0, 0, 3, 30])
            known = chance.choice([cursor, None])
            async with subscribers.open(PRODUCT, id=product, after=known) as items:
                for _ in range(chance.randint(1, 8)):
                    item = await anext(items)
                    state = shown(item)
                    assert item.cursor
                    if known is None:
                        assert state["product"]["onHand"] >= units, "what was seen once stays"
                    else:
                        assert item.cursor > known
                        assert state["product"]["onHand"] > units, "no state comes twice"
                    known = cursor = item.cursor
                    units = state["product"]["onHand"]
                    if units == last:
                        break
                    for _ in range(chance.randint(0, patience)):
                        await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as running:
        for _ in range(12):
            running.create_task(subscribe())
        await receive(shop, product, last)
    await subscribers.come_to(0)


@pytest.mark.parametrize("seed", range(4))
async def test_items_that_are_sent_at_once_and_those_that_had_to_wait_are_one_sequence(
    subscribers: Subscribers, shop: Shop, seed: int
) -> None:
    chance, last = random.Random(seed), 25
    product = await shop.product()
    sent = {"at once": 0, "in turn": 0}

    async def subscribe() -> None:
        seen: list[tuple[str | None, Any]] = []
        ended = asyncio.Event()

        def receive_item(item: Item, how: str) -> None:
            sent[how] += 1
            seen.append((item.cursor, shown(item)))
            if seen[-1][1]["product"]["onHand"] == last:
                ended.set()

        def at_once(item: Item) -> bool:
            if chance.random() < 0.3:
                return False  # The client has not read enough of the items before.
            receive_item(item, "at once")
            return True

        async def take(items: AsyncGenerator[Item, None]) -> None:
            async for item in items:
                receive_item(item, "in turn")
                for _ in range(chance.choice([0, 0, 3, 30])):
                    await asyncio.sleep(0)

        async with subscribers.open(PRODUCT, id=product, at_once=at_once) as items:
            taking = asyncio.create_task(take(items))
            await ended.wait()
            taking.cancel()
            await asyncio.wait([taking])
        cursors = [cursor for cursor, _ in seen]
        assert cursors == sorted({str(cursor) for cursor in cursors})
        units = [item["product"]["onHand"] for _, item in seen]
        assert sum(1 + item["missed"] for _, item in seen[1:]) == last - units[0]

    async with asyncio.timeout(60), asyncio.TaskGroup() as running:
        for _ in range(60):  # more than get an item before others have a turn
            running.create_task(subscribe())
        await receive(shop, product, last)
    assert min(sent.values()) > 0
    await subscribers.come_to(0)


async def _published(shop: Shop, product: str, items: AsyncGenerator[Item, None]) -> Any:
    await receive(shop, product)
    while (item := shown(await anext(items)))["__typename"] == "Heartbeat":
        pass
    return item


async def _orders(items: AsyncGenerator[Item, None], count: int, name: str) -> set[str]:
    """The orders of the customer under this name, once there are so many."""
    found: set[str] = set()
    while len(found) < count:
        order = shown(await anext(items))["order"]
        if order["customer"]["name"] == name:
            found.add(order["id"])
    return found
