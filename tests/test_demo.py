"""The demo shop: the same from the same seed, added once, and nice to look at."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.config import Settings
from app.cqrs.commands.bus import CommandBus
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Command
from app.cqrs.viewers import OPEN
from app.demo.filling import DemoRefused, fill, is_wanted
from app.demo.plan import Known, Shop
from app.domain.catalog.commands import AddProduct, DiscontinueProduct
from app.domain.catalog.events import ProductAdded
from app.domain.customers.commands import RegisterCustomer
from app.domain.orders.events import OrderPlaced
from app.halves.commanding import WriteSide, open_write_side

SMALL = Shop(products=6, customers=4, orders=9, seed=7)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[WriteSide]:
    async with open_write_side(Settings(data_dir=folder)) as write_side:
        yield write_side


async def events_of(write_side: WriteSide) -> list[RecordedEvent]:
    return list(await write_side.log.read(after=0, limit=10_000))


def told(events: list[RecordedEvent]) -> list[Any]:
    """What happened, without ids and times."""
    return [
        (each.event.sku, each.event.name, each.event.unit_price)
        if isinstance(each.event, ProductAdded)
        else (each.event.personal, each.event.total, [line.title for line in each.event.lines])
        if isinstance(each.event, OrderPlaced)
        else each.type
        for each in events
    ]


def commands_of(shop: Shop, kind: type[Command]) -> list[Any]:
    """Those commands of a plan that need to know nothing of the ones before."""
    steps = [step for step in shop.plan if step.name.startswith(("product", "customer"))]
    return [command for step in steps if isinstance(command := step.command(Known()), kind)]


class Interrupted(Exception):
    pass


async def test_the_same_seed_makes_the_same_shop(tmp_path: Path) -> None:
    shops = []
    for name in ("one", "other"):
        async with store(tmp_path / name) as write_side:
            await fill(SMALL, write_side.commands)
            shops.append(told(await events_of(write_side)))
    assert shops[0] == shops[1]
    assert sum(isinstance(each, tuple) for each in shops[0]) == 6 + 9


async def test_another_seed_makes_another_shop_in_the_same_store(tmp_path: Path) -> None:
    async with store(tmp_path) as write_side:
        await fill(SMALL, write_side.commands)
        await fill(Shop(products=6, customers=4, orders=9, seed=8), write_side.commands)
        types = Counter(event.type for event in await events_of(write_side))
    assert (types["ProductAdded"], types["CustomerRegistered"], types["OrderPlaced"]) == (12, 8, 18)


async def test_filling_again_adds_nothing(tmp_path: Path) -> None:
    async with store(tmp_path) as write_side:
        await fill(SMALL, write_side.commands)
        head = await write_side.log.head()
    async with store(tmp_path) as write_side:
        await fill(SMALL, write_side.commands)
        assert await write_side.log.head() == head


async def test_more_orders_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    async with store(tmp_path) as write_side:
        await fill(SMALL, write_side.commands)
        await fill(Shop(products=6, customers=4, orders=12, seed=7), write_side.commands)
        types = Counter(event.type for event in await events_of(write_side))
    assert (types["ProductAdded"], types["CustomerRegistered"], types["OrderPlaced"]) == (6, 4, 12)


async def test_is_wanted_until_it_is_complete_and_nowhere_else(tmp_path: Path) -> None:
    sent = 0

    def interrupt() -> None:
        nonlocal sent
        sent += 1
        if sent == 10:
            raise Interrupted

    async with store(tmp_path) as write_side:
        assert await is_wanted(SMALL, write_side.log)
        with pytest.raises(Interrupted):
            await fill(SMALL, write_side.commands, interrupt)
        assert await is_wanted(SMALL, write_side.log)
        assert not await is_wanted(Shop(seed=8), write_side.log)
        await fill(SMALL, write_side.commands)
        assert not await is_wanted(SMALL, write_side.log)
        types = Counter(event.type for event in await events_of(write_side))
    assert types["OrderPlaced"] == 9


async def test_says_which_command_was_refused(tmp_path: Path) -> None:
    async with store(tmp_path) as write_side:
        await fill(Shop(products=1, customers=1, orders=0, seed=7), write_side.commands)
        await discontinue_everything(write_side.commands, await events_of(write_side))
        with pytest.raises(DemoRefused, match=r"order \d was refused\. .* is no longer on sale"):
            await fill(Shop(products=1, customers=1, orders=3, seed=7), write_side.commands)


async def discontinue_everything(commands: CommandBus, events: list[RecordedEvent]) -> None:
    for each in events:
        if isinstance(each.event, ProductAdded):
            await commands.execute(DiscontinueProduct(product_id=each.event.product_id), viewer=OPEN)


@pytest.mark.campaign
async def test_the_default_shop_is_accepted_and_has_orders_in_every_state(tmp_path: Path) -> None:
    async with store(tmp_path) as write_side:
        await fill(Shop(), write_side.commands)
        events = await events_of(write_side)
    types = Counter(event.type for event in events)
    assert types["OrderPlaced"] == 160
    assert types["OrderShipped"] > 100
    assert types["OrderCancelled"] > 3
    assert types["OrderPlaced"] > types["OrderPaid"] > types["OrderShipped"]
    moments = [each.event.placed_at for each in events if isinstance(each.event, OrderPlaced)]
    assert moments == sorted(moments)
    assert 80 < (events[0].occurred_at - moments[0]).days <= 90
    assert moments[-1] < events[0].occurred_at


def test_the_default_shop_sells_different_things_all_over_the_world() -> None:
    products = commands_of(Shop(), AddProduct)
    assert len({product.name for product in products}) == len(products) == 48
    assert len({product.category for product in products}) == 8
    assert all(product.description and product.packaging for product in products)
    customers = commands_of(Shop(), RegisterCustomer)
    assert len({customer.address.country for customer in customers}) == 18
    assert sum(not customer.name.isascii() for customer in customers) > 10


def test_a_large_shop_repeats_neither_skus_nor_names_nor_email_addresses() -> None:
    shop = Shop(products=700, customers=700, orders=0)
    products = commands_of(shop, AddProduct)
    assert len({product.sku for product in products}) == 700
    assert len({product.name for product in products}) == 700
    assert len({customer.email.lower() for customer in commands_of(shop, RegisterCustomer)}) == 700


def test_every_command_has_an_id_of_its_own_that_stays_the_same() -> None:
    ids = [step.command_id for step in SMALL.plan]
    assert len(set(ids)) == len(ids)
    again = Shop(products=6, customers=4, orders=9, seed=7)
    assert [step.command_id for step in again.plan] == ids
    assert msgspec.to_builtins(commands_of(again, AddProduct)) == msgspec.to_builtins(
        commands_of(SMALL, AddProduct)
    )
