from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, update

from app.cqrs.commands.outcomes import NotFound, VersionConflict
from app.cqrs.messages import Command
from app.domain.catalog.commands import ChangePrice, DiscontinueProduct
from app.domain.catalog.refusals import ProductIsDiscontinued
from app.domain.catalog.tables import products
from app.domain.customers.commands import CloseCustomer
from app.domain.customers.refusals import CustomerIsClosed
from app.domain.customers.tables import customers
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.refusals import IllegalTransition
from app.domain.orders.status import OrderStatus
from app.domain.orders.tables import order_lines, orders
from app.domain.stock.refusals import OutOfStock
from app.stores.sql.transactions import events
from app.values import Money
from tests.domain.shop import Shop
from tests.domain.wanted import order
from tests.stores.migrating import upgraded

NOTHING = UUID(int=7)


async def units(shop: Shop, product_id: UUID) -> tuple[int, int]:
    stock = await shop.load("stock", product_id)
    return stock.on_hand, stock.reserved


async def test_placing_reserves_the_stock_in_the_same_transaction(shop: Shop) -> None:
    ada, chai, coffee = await shop.customer(), await shop.product(on_hand=10), await shop.product(on_hand=5)
    receipt = await shop.accept(order(ada, (chai, 4), (coffee, 1), (chai, 2)))
    kinds = [event.type for event in receipt.events]
    assert kinds == ["OrderPlaced", "StockReserved", "StockReserved"]
    assert await units(shop, chai) == (10, 6)
    assert await units(shop, coffee) == (5, 1)
    await shop.check()


async def test_an_order_keeps_the_prices_it_was_placed_at(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=10, unit_price=Decimal(18))
    line = LineRequest(product_id=chai, quantity=3, discount=Decimal("0.0500"))
    placed = await shop.accept(PlaceOrder(customer_id=ada, lines=(line,), shipping_fee=Decimal(5)))
    await shop.accept(ChangePrice(product_id=chai, unit_price=Decimal(99)))
    kept = await shop.load("order", UUID(placed.events[0].stream.removeprefix("order-")))
    assert kept.total == Money(Decimal("56.30"))
    await shop.check()


async def test_paying_and_shipping_take_the_stock_out(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=10)
    id = await shop.order(ada, (chai, 4))
    await shop.accept(PayOrder(order_id=id, expected_version=1))
    await shop.accept(ShipOrder(order_id=id, expected_version=2))
    assert await units(shop, chai) == (6, 0)
    assert (await shop.load("order", id)).status is OrderStatus.SHIPPED
    await shop.check()


async def test_cancelling_makes_the_stock_available_again_once(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=10)
    id, other = await shop.order(ada, (chai, 4)), await shop.order(ada, (chai, 5))
    await shop.accept(CancelOrder(order_id=id))
    (error,) = await shop.refuse(CancelOrder(order_id=id))
    assert isinstance(error, IllegalTransition)
    assert await units(shop, chai) == (10, 5)
    assert (await shop.load("order", other)).status is OrderStatus.PLACED
    await shop.check()


async def test_a_refused_order_leaves_no_trace_and_names_all_that_is_short(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=5)
    coffee, tea = await shop.product(), await shop.product(on_hand=9)
    before = await shop.store.head()
    errors = await shop.refuse(order(ada, (coffee, 1), (chai, 3), (tea, 9), (chai, 3)))
    assert [replace(error, message="") for error in errors] == [
        OutOfStock(message="", product_id=coffee, requested=1, available=0, path=("lines", 0, "quantity")),
        OutOfStock(message="", product_id=chai, requested=6, available=5, path=("lines", 3, "quantity")),
    ]
    assert await shop.store.head() == before
    assert (await shop.count(orders), await shop.count(order_lines)) == (0, 0)
    assert await units(shop, tea) == (9, 0)


async def test_everything_the_shop_objects_to_is_reported(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=5)
    await shop.accept(CloseCustomer(customer_id=ada))
    await shop.accept(DiscontinueProduct(product_id=chai))
    errors = await shop.refuse(order(ada, (NOTHING, 1), (chai, 99)))
    assert [(type(error), error.path) for error in errors] == [
        (CustomerIsClosed, ("customer_id",)),
        (NotFound, ("lines", 0, "product_id")),
        (ProductIsDiscontinued, ("lines", 1, "product_id")),
    ]


async def test_an_absurdly_long_order_is_refused_without_a_look_at_the_store(shop: Shop) -> None:
    errors = await shop.refuse(order(NOTHING, *[(UUID(int=number), 1) for number in range(40_000)]))
    assert [error.path for error in errors] == [("lines",)]


async def test_an_order_outlives_its_customer(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=1)
    id = await shop.order(ada, (chai, 1))
    await shop.accept(CloseCustomer(customer_id=ada))
    await shop.accept(PayOrder(order_id=id))
    await shop.accept(ShipOrder(order_id=id))


@pytest.mark.parametrize(
    "command", [PayOrder(order_id=NOTHING), ShipOrder(order_id=NOTHING), CancelOrder(order_id=NOTHING)]
)
async def test_refuses_to_change_an_order_that_does_not_exist(shop: Shop, command: Command) -> None:
    (error,) = await shop.refuse(command)
    assert isinstance(error, NotFound)
    assert (error.kind, error.path) == ("order", ("order_id",))


async def test_refuses_a_version_other_than_the_expected_one(shop: Shop) -> None:
    ada, chai = await shop.customer(), await shop.product(on_hand=1)
    id = await shop.order(ada, (chai, 1))
    await shop.accept(PayOrder(order_id=id))
    (error,) = await shop.refuse(CancelOrder(order_id=id, expected_version=1))
    assert isinstance(error, VersionConflict)
    assert error.current_version == 2


async def test_rows_that_were_stored_in_the_other_form_are_what_their_events_make_them_again(
    shop: Shop,
) -> None:
    """Events are read in one form, whichever was stored, and rows are brought into it by a migration."""
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    ada = await shop.customer(name=composed, email=f"{composed}@example.com", company="Engines")
    coffee = await shop.product(on_hand=5, name=composed, category=composed, description="Plain")
    placed = await shop.order(ada, (coffee, 1))
    async with shop.engines.writing.begin() as connection:
        for table, columns in (
            (products, ("name", "category")),
            (customers, ("name", "email", "email_key")),
            (order_lines, ("title", "category")),
            (events, ("data",)),
        ):
            replaced = {name: func.replace(table.c[name], "\u00e9", "e\u0301") for name in columns}
            await connection.execute(update(table).values(replaced))
    assert (await shop.load("product", coffee)).name == decomposed
    async with shop.engines.writing.begin() as connection:
        await connection.run_sync(upgraded, "0003_text_has_one_form")
    assert (await shop.load("product", coffee)).category == composed
    [line] = (await shop.load("order", placed)).lines
    assert (line.title, line.category) == (composed, composed)
    await shop.accept(CancelOrder(order_id=placed))
    await shop.check()
