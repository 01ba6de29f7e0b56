"""Whatever is commanded: documents that were kept live equal those rebuilt from the event log."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import AsyncMongoClient

from app.bootstrap import open_circle
from app.config import Settings
from app.cqrs.circle import Circle
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.documents.read_model import Document
from app.cqrs.freshness.progress import Progress
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import AsyncioEventBus
from app.cqrs.log.head import Head
from app.cqrs.messages import Command
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.selection import Selection
from app.cqrs.viewers import OPEN
from app.declared import READ_MODELS
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.stores.mongo.store import MongoReadStore, open_read_store

pytestmark = pytest.mark.campaign


class Known:
    """The ids of what the commands so far have made, by kind."""

    def __init__(self) -> None:
        self.ids: dict[str, list[UUID]] = {"product": [], "customer": [], "order": [], "stock": []}

    def pick(self, kind: str, number: int) -> UUID:
        known = self.ids[kind]
        return known[number % len(known)] if known else UUID(int=number)

    def learn(self, receipt: Receipt) -> None:
        for mark in receipt.events:
            kind, _, key = mark.stream.partition("-")
            if UUID(key) not in self.ids[kind]:
                self.ids[kind].append(UUID(key))


Wish = Callable[[Known, int, int], Command]


def _order(known: Known, a: int, b: int) -> PlaceOrder:
    lines = [
        LineRequest(product_id=known.pick("product", a), quantity=b % 7 + 1, discount=Decimal(b % 3) / 10),
        LineRequest(product_id=known.pick("product", b), quantity=a % 3 + 1),
    ]
    fee = Decimal(a * b % 1000) / 100
    return PlaceOrder(
        customer_id=known.pick("customer", a), lines=tuple(lines[: a % 2 + 1]), shipping_fee=fee
    )


WISHES: list[Wish] = [
    lambda known, a, b: AddProduct(
        sku=f"S{a}", name=f"Name {b}", category=f"C{b % 3}", unit_price=Decimal(a)
    ),
    lambda known, a, b: UpdateProduct(product_id=known.pick("product", a), name=f"Other {b}"),
    lambda known, a, b: ChangePrice(product_id=known.pick("product", a), unit_price=Decimal(b) / 100),
    lambda known, a, b: DiscontinueProduct(product_id=known.pick("product", a)),
    lambda known, a, b: ReceiveStock(product_id=known.pick("product", a), quantity=b % 50 + 1),
    lambda known, a, b: ReceiveStock(product_id=known.pick("product", b), quantity=a % 50 + 1),
    lambda known, a, b: AdjustStock(product_id=known.pick("product", a), change=b % 9 - 4, reason="counted"),
    lambda known, a, b: RegisterCustomer(name=f"Customer {a}", email=f"c{b}@example.org"),
    lambda known, a, b: UpdateCustomer(customer_id=known.pick("customer", a), name=f"Renamed {b}"),
    lambda known, a, b: CloseCustomer(customer_id=known.pick("customer", a * b)),
    _order,
    _order,
    _order,
    lambda known, a, b: PayOrder(order_id=known.pick("order", a)),
    lambda known, a, b: ShipOrder(order_id=known.pick("order", a)),
    lambda known, a, b: CancelOrder(order_id=known.pick("order", b), reason=f"because {a}"),
]

numbers = st.integers(0, 40)
wishes = st.lists(st.tuples(st.sampled_from(WISHES), numbers, numbers), min_size=5, max_size=40)
SETUP: list[tuple[Wish, int, int]] = [
    *((WISHES[0], number, number) for number in range(3)),
    *((WISHES[4], number, 30) for number in range(3)),
    *((WISHES[7], number, number) for number in range(3)),
]
"""A little shop to begin with, so that random commands find something to do."""


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=wishes, batch=st.sampled_from([1, 7, 500]))
async def test_documents_kept_live_equal_those_rebuilt_from_the_log(
    mongo_url: str, wanted: list[tuple[Wish, int, int]], batch: int
) -> None:
    async with open_read_store(mongo_url, "live") as live, open_read_store(mongo_url, "rebuilt") as rebuilt:
        for model in READ_MODELS:
            await live.clear(model)
            await rebuilt.clear(model)
        with TemporaryDirectory() as folder:
            stores = Settings(data_dir=Path(folder), mongodb_url=mongo_url, mongodb_database="live")
            async with open_circle(stores) as circle:
                await _command(circle, [*SETUP, *wanted])
                await _rebuild(circle, rebuilt, batch)
        assert await _documents(live) == await _documents(rebuilt)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=wishes, by_stream=st.booleans())
async def test_spoilt_documents_are_right_again_by_stream_and_by_position(
    mongo_url: str, wanted: list[tuple[Wish, int, int]], by_stream: bool
) -> None:
    async with open_read_store(mongo_url, "live") as live:
        for model in READ_MODELS:
            await live.clear(model)
        with TemporaryDirectory() as folder:
            stores = Settings(data_dir=Path(folder), mongodb_url=mongo_url, mongodb_database="live")
            async with open_circle(stores) as circle:
                await _command(circle, [*SETUP, *wanted])
                right = await _documents(live)
                await _spoil(mongo_url)
                streams = {event.stream for event in await circle.log.read(after=0, limit=10_000)}
                chosen = [Selection(stream=each) for each in sorted(streams)]
                for model in READ_MODELS:
                    for selection in chosen if by_stream else [Selection(since=1)]:
                        await circle.rebuilds.rebuild_some(model.name, selection, 20)
                assert await _documents(live) == right


async def _spoil(mongo_url: str) -> None:
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongo_url)
    async with client:
        for model in READ_MODELS:
            for number, collection in enumerate(model.collections):
                stored = client["live"][collection.stored_as]
                await stored.update_many(
                    {}, {"$set": {"spoilt": number}, "$unset": {"status": 1, "customer": 1}}
                )
                await stored.delete_one({})


async def _command(circle: Circle, wanted: list[tuple[Wish, int, int]]) -> None:
    known = Known()
    for wish, a, b in wanted:
        outcome = await circle.commands.execute(wish(known, a, b), viewer=OPEN)
        if isinstance(outcome, Receipt):
            known.learn(outcome)
    head = await circle.log.head()
    for progress in circle.progress.values():
        await progress.wait_for(head, seconds=20)


async def _rebuild(circle: Circle, store: MongoReadStore, batch: int) -> None:
    for model in READ_MODELS:
        projector = Projector(
            model,
            log=_InBatches(circle, batch),
            bus=AsyncioEventBus(),
            store=store,
            progress=Progress(model.name, Head()),
            notices=Notices(),
        )
        await store.prepare(model)
        while projector.progress.position < await circle.log.head():
            await projector.catch_up()


class _InBatches:
    """The log, read in batches of another size."""

    def __init__(self, circle: Circle, batch: int) -> None:
        self.log, self.batch = circle.log, batch

    async def head(self) -> int:
        return await self.log.head()

    async def read(self, *, after: int, limit: int) -> Any:
        # Who reads on looks at the last event again, and asks for one more.
        return await self.log.read(after=after, limit=min(limit, self.batch + 1))


async def _documents(store: MongoReadStore) -> dict[str, list[Document]]:
    return {
        collection.name: await store.find(collection, {}, sort=[("_id", 1)])
        for model in READ_MODELS
        for collection in model.collections
    }
