from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import NotFound, VersionConflict
from app.cqrs.messages import Command
from app.domain.catalog.commands import DiscontinueProduct
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.refusals import StockTooLow
from app.domain.stock.tables import stocks
from tests.domain.shop import Shop

NOTHING = UUID(int=7)


async def test_stock_is_kept_as_its_events_tell_it(shop: Shop) -> None:
    chai = await shop.product(on_hand=10)
    await shop.accept(AdjustStock(product_id=chai, change=-3, reason="Broken"))
    stock = await shop.load("stock", chai)
    assert (stock.on_hand, stock.reserved, stock.version) == (7, 0, 2)
    await shop.check()


@pytest.mark.parametrize(
    "command",
    [
        ReceiveStock(product_id=NOTHING, quantity=1),
        AdjustStock(product_id=NOTHING, change=1, reason="Found"),
    ],
)
async def test_refuses_stock_of_a_product_that_does_not_exist(shop: Shop, command: Command) -> None:
    (error,) = await shop.refuse(command)
    assert isinstance(error, NotFound)
    assert (error.kind, error.path) == ("product", ("product_id",))
    assert await shop.count(stocks) == 0


async def test_a_count_can_find_units_that_were_never_delivered(shop: Shop) -> None:
    chai = await shop.product()
    await shop.accept(AdjustStock(product_id=chai, change=3, reason="Found", expected_version=0))
    assert (await shop.load("stock", chai)).on_hand == 3


async def test_the_stock_of_a_discontinued_product_can_come_back(shop: Shop) -> None:
    chai = await shop.product()
    await shop.accept(DiscontinueProduct(product_id=chai))
    await shop.accept(ReceiveStock(product_id=chai, quantity=1))


async def test_refuses_a_version_other_than_the_expected_one(shop: Shop) -> None:
    chai = await shop.product()
    first = ReceiveStock(product_id=chai, quantity=1, expected_version=0)
    await shop.accept(first)
    (error,) = await shop.refuse(first)
    assert isinstance(error, VersionConflict)
    assert error.current_version == 1


async def test_refuses_to_take_away_what_an_order_has_reserved(shop: Shop) -> None:
    chai = await shop.product(on_hand=10)
    await shop.order(await shop.customer(), (chai, 8))
    (error,) = await shop.refuse(AdjustStock(product_id=chai, change=-3, reason="Broken"))
    assert isinstance(error, StockTooLow)
    assert (error.on_hand, error.reserved) == (10, 8)
