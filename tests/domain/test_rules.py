"""Who may send which of the shop's commands, on the real write stores."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.cqrs.commands.outcomes import InvalidInput, NotAllowed, NotFound, Receipt
from app.cqrs.messages import Command
from app.domain.catalog.commands import AddProduct, ChangePrice, DiscontinueProduct, UpdateProduct
from app.domain.contexts import CONTEXTS
from app.domain.customers.commands import CloseCustomer, ForgetCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.refusals import DuplicateEmail
from app.domain.orders import tables
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.stock.commands import AdjustStock, ReceiveStock
from tests import viewers
from tests.domain.shop import Shop, cause, open_shop
from tests.domain.wanted import order, product

STAFFS: dict[type[Command], Callable[[Any], Command]] = {
    AddProduct: lambda _: product(),
    UpdateProduct: lambda ids: UpdateProduct(product_id=ids.chai, name="Tea"),
    ChangePrice: lambda ids: ChangePrice(product_id=ids.chai, unit_price=Decimal(1)),
    DiscontinueProduct: lambda ids: DiscontinueProduct(product_id=ids.chai),
    ReceiveStock: lambda ids: ReceiveStock(product_id=ids.chai, quantity=1),
    AdjustStock: lambda ids: AdjustStock(product_id=ids.chai, change=1, reason="Found."),
    RegisterCustomer: lambda _: RegisterCustomer(name="Eve"),
    PayOrder: lambda ids: PayOrder(order_id=ids.order),
    ShipOrder: lambda ids: ShipOrder(order_id=ids.order),
}
CUSTOMERS = {PlaceOrder, CancelOrder, UpdateCustomer, CloseCustomer}
OPERATORS = {ForgetCustomer}


class Ids:
    """A customer's order of some tea."""

    def __init__(self, ada: UUID, bob: UUID, chai: UUID, order: UUID) -> None:
        self.ada, self.bob, self.chai, self.order = ada, bob, chai, order


@pytest.fixture
async def ids(shop: Shop) -> Ids:
    ada, bob = await shop.customer(email="ada@example.com"), await shop.customer(email="bob@example.com")
    chai = await shop.product(on_hand=100)
    return Ids(ada, bob, chai, await shop.order(ada, (chai, 1)))


def test_these_are_all_commands_of_the_shop() -> None:
    assert {*STAFFS, *CUSTOMERS, *OPERATORS} == {
        command for context in CONTEXTS for command in context.command_types
    }


async def test_staff_send_what_concerns_all_and_customers_and_strangers_do_not(shop: Shop, ids: Ids) -> None:
    for command in (make(ids) for make in STAFFS.values()):
        for viewer in (viewers.NOBODY, viewers.customer(ids.ada)):
            [error] = await shop.refuse(command, viewer=viewer)
            assert isinstance(error, NotAllowed), command
            assert error.path == ()
        if not isinstance(command, ShipOrder | DiscontinueProduct):
            assert isinstance(await shop.accept(command, viewer=viewers.BEA), Receipt)
    await shop.check()


async def test_only_operators_forget_people(shop: Shop, ids: Ids) -> None:
    command = ForgetCustomer(customer_id=ids.ada, despite_open_orders=True)
    for viewer in (viewers.NOBODY, viewers.customer(ids.ada), viewers.BEA):
        [error] = await shop.refuse(command, viewer=viewer)
        assert isinstance(error, NotAllowed)
    await shop.accept(command, viewer=viewers.OPAL)
    await shop.check()


async def test_a_customer_does_what_is_theirs(shop: Shop, ids: Ids) -> None:
    ada = viewers.customer(ids.ada)
    await shop.accept(UpdateCustomer(customer_id=ids.ada, phone="1"), viewer=ada)
    placed = await shop.accept(order(ids.ada, (ids.chai, 2)), viewer=ada)
    await shop.accept(CancelOrder(order_id=ids.order, reason="No."), viewer=ada)
    await shop.accept(CloseCustomer(customer_id=ids.ada), viewer=ada)
    recorded = [each for each in await shop.history() if each.actor == ada.actor]
    assert [each.type for each in recorded] == [
        *("CustomerUpdated", "OrderPlaced", "StockReserved"),
        *("OrderCancelled", "StockReleased", "CustomerClosed"),
    ]
    assert placed.events[0].type == "OrderPlaced"


Make = Callable[[UUID, Ids], Command]
FOREIGN: dict[str, Make] = {
    "order for": lambda id, ids: order(id, (ids.chai, 1)),
    "dear order for": lambda id, ids: PlaceOrder(
        customer_id=id, lines=(), shipping_fee=Decimal(-1), placed_at=datetime(2020, 1, 1, tzinfo=UTC)
    ),
    "update of": lambda id, _: UpdateCustomer(customer_id=id, name="", expected_version=99),
    "closing of": lambda id, _: CloseCustomer(customer_id=id, expected_version=99),
    "cancelling of": lambda id, _: CancelOrder(order_id=id, reason="x" * 501, expected_version=99),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
async def test_what_is_anothers_does_not_exist_whatever_else_stands_against_the_command(
    shop: Shop, ids: Ids, make: Make
) -> None:
    bob = viewers.customer(ids.bob)
    of_ada = ids.order if isinstance(make(ids.ada, ids), CancelOrder) else ids.ada
    for id in (of_ada, uuid4()):
        [error] = await shop.refuse(make(id, ids), viewer=bob)
        assert isinstance(error, NotFound)
        assert (error.id, error.message) == (id, f"There is no {error.kind} with this id.")
    assert [each.actor for each in await shop.history() if each.actor == bob.actor] == []


async def test_a_stranger_may_not_order(shop: Shop, ids: Ids) -> None:
    [error] = await shop.refuse(order(ids.ada, (ids.chai, 1)), viewer=viewers.NOBODY)
    assert (type(error), error.message) == (
        NotAllowed,
        "Only customers, staff and operators may send PlaceOrder. Sign in first.",
    )


async def test_terms_of_an_order_are_for_staff_to_set(shop: Shop, ids: Ids) -> None:
    cheap = LineRequest(product_id=ids.chai, quantity=1, discount=Decimal("0.5"))
    usual = LineRequest(product_id=ids.chai, quantity=1, discount=Decimal("0.00"))
    asked = PlaceOrder(
        customer_id=ids.ada,
        lines=(usual, cheap),
        shipping_fee=Decimal("0.01"),
        placed_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    errors = await shop.refuse(asked, viewer=viewers.customer(ids.ada))
    assert [(type(error), error.path) for error in errors] == [
        (NotAllowed, ("lines", 1, "discount")),
        (NotAllowed, ("shipping_fee",)),
        (NotAllowed, ("placed_at",)),
    ]
    await shop.accept(PlaceOrder(customer_id=ids.ada, lines=(usual,)), viewer=viewers.customer(ids.ada))
    await shop.accept(asked, viewer=viewers.BEA)


async def test_the_time_of_a_cancellation_is_for_staff_to_state(shop: Shop, ids: Ids) -> None:
    asked = CancelOrder(order_id=ids.order, cancelled_at=datetime.now(UTC))
    [error] = await shop.refuse(asked, viewer=viewers.customer(ids.ada))
    assert (type(error), error.path) == (NotAllowed, ("cancelled_at",))
    await shop.accept(asked, viewer=viewers.BEA)
    await shop.check()


async def test_a_taken_email_address_tells_a_customer_of_nobody(shop: Shop, ids: Ids) -> None:
    asked = UpdateCustomer(customer_id=ids.bob, email="ada@example.com")
    [error] = await shop.refuse(asked, viewer=viewers.customer(ids.bob))
    expected = InvalidInput(message="Email can't be used. Choose another.", path=("email",))
    assert error == expected
    [error] = await shop.refuse(asked, viewer=viewers.BEA)
    assert isinstance(error, DuplicateEmail)
    assert error.customer_id == ids.ada


async def test_a_foreign_order_is_refused_without_waiting_for_its_lock(postgres_url: str) -> None:
    """Whoever had to wait would know that somebody works on the order, and that there is one."""
    async with open_shop(postgres_url) as shop, asyncio.timeout(20):
        placed = await shop.order(await shop.customer(), (await shop.product(on_hand=1), 1))
        bob = viewers.customer(await shop.customer())
        async with shop.store.begin(cause()) as work:
            assert await tables.load(work, placed)  # which locks it
            [error] = await shop.refuse(CancelOrder(order_id=placed), viewer=bob)
    assert isinstance(error, NotFound)


async def test_a_refusal_by_a_rule_undoes_only_its_own_command_of_a_group(shop: Shop, ids: Ids) -> None:
    ada, bob = viewers.customer(ids.ada), viewers.customer(ids.bob)
    sent = [
        (UpdateCustomer(customer_id=ids.ada, phone="1"), ada),
        (CancelOrder(order_id=ids.order), bob),
        (order(ids.ada, (ids.chai, 2)), ada),
        (order(ids.ada, (ids.chai, 2)), bob),
        (UpdateCustomer(customer_id=ids.bob, phone="2"), bob),
    ]
    # The first goes at once; the others come meanwhile, and share the next transaction.
    outcomes = await asyncio.gather(*(shop.bus.execute(command, viewer=viewer) for command, viewer in sent))
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True, False, True, False, True]
    assert {each.actor for each in await shop.history() if each.type == "CustomerUpdated"} == {
        ada.actor,
        bob.actor,
    }
    await shop.check()
