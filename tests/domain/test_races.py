"""Many at once, and anything in any order: what must hold then."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from uuid_utils.compat import uuid7

from app.cqrs.commands.outcomes import CommandIdReused, Receipt, Refused
from app.cqrs.messages import Command
from app.cqrs.viewers import OPEN
from app.domain.catalog.commands import ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.catalog.events import PriceChanged, ProductDiscontinued
from app.domain.catalog.tables import products
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.events import CustomerClosed
from app.domain.orders.commands import CancelOrder, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.events import OrderPlaced
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.refusals import OutOfStock
from tests.domain.shop import HANDLERS, Shop, cause, made_by, open_shop
from tests.domain.wanted import order, product


async def test_of_fifty_buyers_of_ten_units_ten_get_one(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=10)
    outcomes = await asyncio.gather(
        *(shop.bus.execute(order(ada, (chai, 1)), viewer=OPEN) for _ in range(50))
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Receipt: 10, Refused: 40}
    errors = [error for outcome in outcomes if isinstance(outcome, Refused) for error in outcome.errors]
    assert {type(error) for error in errors} == {OutOfStock}
    stock = await shop.load("stock", chai)
    assert (stock.on_hand, stock.reserved) == (10, 10)
    await shop.check()


async def test_of_ten_who_want_a_sku_at_once_one_gets_it(shop: Shop) -> None:
    outcomes = await asyncio.gather(*(shop.bus.execute(product(sku="TEA"), viewer=OPEN) for _ in range(10)))
    assert Counter(type(outcome) for outcome in outcomes) == {Receipt: 1, Refused: 9}


async def test_a_repeated_command_id_gets_the_first_receipt_and_changes_nothing(shop: Shop) -> None:
    command, id = product(), uuid7()
    outcomes = await asyncio.gather(
        *(shop.bus.execute(command, viewer=OPEN, command_id=id) for _ in range(10))
    )
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert isinstance(outcomes[0], Receipt)
    assert await shop.count(products) == 1
    assert await shop.store.head() == 1


async def test_refuses_a_command_id_that_was_used_for_a_different_input(shop: Shop) -> None:
    first, id = product(), uuid7()
    await shop.accept(first, command_id=id)
    (error,) = await shop.refuse(product(name="Coffee"), command_id=id)
    assert isinstance(error, CommandIdReused)
    assert (error.command_id, error.path) == (id, ("command_id",))
    await shop.check()


async def test_the_id_of_a_refused_command_may_be_used_again(shop: Shop) -> None:
    id = uuid7()
    await shop.refuse(product(name=""), command_id=id)
    await shop.accept(product(), command_id=id)


@settings(max_examples=8, deadline=None)
@given(some.randoms(use_true_random=False))
async def test_rows_are_what_the_events_make_them_whatever_the_commands(chance: Random) -> None:
    with TemporaryDirectory() as folder:
        async with open_shop(f"sqlite+aiosqlite:///{folder}/shop.db") as shop:
            places = Places(chance)
            for _ in range(40):
                outcome = await shop.bus.execute(places.any_command(), viewer=OPEN)
                if isinstance(outcome, Receipt):
                    places.remember(outcome)
            await shop.check()


@pytest.mark.parametrize("seed", range(3))
async def test_the_log_tells_a_possible_story_however_many_act_at_once(shop: Shop, seed: int) -> None:
    places = Places(Random(seed))
    for _ in range(12):
        commands = [places.any_command() for _ in range(12)]
        for outcome in await asyncio.gather(
            *(shop.bus.execute(command, viewer=OPEN) for command in commands)
        ):
            if isinstance(outcome, Receipt):
                places.remember(outcome)
    await shop.check()


@pytest.mark.parametrize(
    "spoiler", [CloseCustomer, DiscontinueProduct, partial(ChangePrice, unit_price=Decimal(99))]
)
async def test_nobody_changes_what_an_order_relies_on_before_it_is_placed(
    shop: Shop, spoiler: Callable[..., Command]
) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=1)
    key = "customer_id" if spoiler is CloseCustomer else "product_id"
    async with shop.store.begin(cause()) as slow:
        await HANDLERS[PlaceOrder](order(ada, (chai, 1)), slow)
        spoiled = asyncio.create_task(shop.accept(spoiler(**{key: ada if key == "customer_id" else chai})))
        await asyncio.wait([spoiled], timeout=0.1)
        await slow.commit("")
    await spoiled
    placed, spoilt = (await shop.history())[-3], (await shop.history())[-1]
    assert isinstance(placed.event, OrderPlaced)
    assert isinstance(spoilt.event, CustomerClosed | ProductDiscontinued | PriceChanged)
    await shop.check()


@pytest.mark.parametrize(
    "spoiler",
    [
        lambda _, ada: CloseCustomer(customer_id=ada),
        lambda _, ada: UpdateCustomer(customer_id=ada, company="Analytical Engines"),
        lambda chai, _: DiscontinueProduct(product_id=chai),
        lambda chai, _: ChangePrice(product_id=chai, unit_price=Decimal(99)),
        lambda chai, _: UpdateProduct(product_id=chai, name="Chai latte"),
    ],
    ids=["CloseCustomer", "UpdateCustomer", "DiscontinueProduct", "ChangePrice", "UpdateProduct"],
)
async def test_who_waits_to_change_what_orders_rely_on_is_not_overtaken_by_further_orders(
    postgres_url: str, spoiler: Callable[[UUID, UUID], Command]
) -> None:
    async with open_shop(postgres_url) as shop:
        chai, ada = await shop.product(on_hand=9), await shop.customer()
        # All must wait for the same row. One that has waited for its customer may meet the product's row in
        # the moment in which it is free, because who waits for it has not woken up yet.
        of_customer = isinstance(spoiler(chai, ada), CloseCustomer | UpdateCustomer)
        buyers = [ada if of_customer else await shop.customer() for _ in range(3)]
        async with shop.store.begin(cause()) as first:
            await HANDLERS[PlaceOrder](order(ada, (chai, 1)), first)
            spoiled = asyncio.create_task(shop.accept(spoiler(chai, ada)))
            await shop.until_waiting(1)
            others = [
                asyncio.create_task(
                    shop.of_another_process().bus.execute(order(buyer, (chai, 1)), viewer=OPEN)
                )
                for buyer in buyers
            ]
            await shop.until_waiting(4)
            await first.commit("")
        await asyncio.gather(spoiled, *others)
        happened = [event.type for event in await shop.history() if not event.type.startswith("Stock")]
        placed = happened.index("OrderPlaced")
        assert happened[placed + 1] == (await spoiled).events[0].type
        await shop.check()


async def test_a_command_that_was_sent_twice_at_once_is_not_refused_for_its_own_effect(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=3)
    commands = [
        product(sku="TEA"),
        RegisterCustomer(name="Bo", email="bo@example.com"),
        order(ada, (chai, 3)),
    ]
    for command in commands:
        id = uuid7()
        outcomes = await asyncio.gather(
            *(shop.bus.execute(command, viewer=OPEN, command_id=id) for _ in range(8))
        )
        assert isinstance(outcomes[0], Receipt), outcomes[0]
        assert outcomes == [outcomes[0]] * 8


class Places:
    """Draws commands about what is there."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._known: dict[str, list[UUID]] = {"product": [UUID(int=1)], "customer": [], "order": []}

    def remember(self, receipt: Receipt) -> None:
        if receipt.events and (kind := receipt.events[0].stream.partition("-")[0]) in self._known:
            self._known[kind].append(made_by(receipt))

    def any_command(self) -> Command:
        pick, number = self._pick, self._chance.randint
        chai, ada, placed = pick("product"), pick("customer"), pick("order")
        lines = [(pick("product"), number(1, 6)) for _ in range(number(1, 3))]
        commands: list[Command] = [
            product(sku=f"S-{number(1, 9)}"),
            UpdateProduct(product_id=chai, name=f"N{number(1, 9)}"),
            ChangePrice(product_id=chai, unit_price=Decimal(number(0, 999)) / 100),
            ReceiveStock(product_id=chai, quantity=number(1, 20)),
            ReceiveStock(product_id=chai, quantity=number(1, 20)),
            AdjustStock(product_id=chai, change=number(-9, 9), reason="Counted"),
            RegisterCustomer(name="Ada", email=f"{number(1, 9)}@example.com"),
            UpdateCustomer(customer_id=ada, email=f"{number(1, 9)}@example.com"),
            order(ada, *lines, shipping_fee=Decimal(number(0, 999)) / 100),
            order(ada, *lines[:1]),
            PayOrder(order_id=placed),
            ShipOrder(order_id=placed),
            CancelOrder(order_id=placed),
        ]
        rare: list[Command] = [DiscontinueProduct(product_id=chai), CloseCustomer(customer_id=ada)]
        return self._chance.choice(commands if number(0, 9) else rare)

    def _pick(self, kind: str) -> UUID:
        return self._chance.choice(self._known[kind] or [UUID(int=1)])
