from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import CommandError, Decision, InvalidInput, NotFound, Refused
from app.domain.catalog.published import Offer
from app.domain.catalog.refusals import ProductIsDiscontinued
from app.domain.customers.published import Buyer
from app.domain.customers.refusals import CustomerIsClosed
from app.domain.orders import model
from app.domain.orders.commands import CancelOrder, LineRequest, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.events import (
    Delivery,
    OrderCancelled,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderShipped,
)
from app.domain.orders.refusals import IllegalTransition
from app.domain.orders.status import OrderStatus
from app.values import Money, PostalAddress, Quantity, Sku
from tests.domain.given import NOW, Rules
from tests.domain.wanted import order

CHAI, COFFEE, GONE, NOTHING = (UUID(int=number) for number in range(1, 5))
ADA, EVE, NOBODY, ORDER = (UUID(int=number) for number in range(11, 15))
HOME = PostalAddress(street="1 Main St", city="London", country="UK")


def offer(product_id: UUID, price: str, objection: CommandError | None = None) -> Offer:
    return Offer(
        product_id=product_id,
        sku=Sku(f"SKU-{product_id.int}"),
        title=f"Product {product_id.int}",
        category="Beverages",
        packaging="10 boxes",
        unit_price=Money(Decimal(price)),
        objection=objection,
    )


OFFERS: Mapping[UUID, Offer] = {
    CHAI: offer(CHAI, "18.00"),
    COFFEE: offer(COFFEE, "46.01"),
    GONE: offer(GONE, "1.00", ProductIsDiscontinued(message="It is no longer on sale.", product_id=GONE)),
}
BUYERS: Mapping[UUID, Buyer] = {
    ADA: Buyer(customer_id=ADA, name="Ada", company="Engines", address=HOME),
    EVE: Buyer(customer_id=EVE, name="", objection=CustomerIsClosed(message="She left.", customer_id=EVE)),
}


def _place(_state: None, command: PlaceOrder, now: datetime) -> Decision:
    draft = model.draft(command, now)
    if isinstance(draft, Refused):
        return draft
    return model.place(draft, ORDER, BUYERS.get(command.customer_id), OFFERS)


def _draft(command: PlaceOrder) -> model.Draft:
    draft = model.draft(command, NOW)
    assert isinstance(draft, model.Draft)
    return draft


def _line(product_id: UUID, units: int, discount: str, total: str) -> OrderLine:
    offered = OFFERS[product_id]
    return OrderLine(
        product_id=product_id,
        sku=offered.sku,
        title=offered.title,
        category=offered.category,
        packaging=offered.packaging,
        unit_price=offered.unit_price,
        quantity=Quantity(units),
        discount=Decimal(discount),
        total=Money(Decimal(total)),
    )


PLACED = OrderPlaced(
    order_id=ORDER,
    customer_id=ADA,
    lines=(_line(CHAI, 2, "0", "36.00"), _line(COFFEE, 1, "0.5", "23.00")),
    shipping_fee=Money(Decimal("4.95")),
    total=Money(Decimal("63.95")),
    placed_at=NOW,
    personal=Delivery(customer_name="Ada", company="Engines", ship_to=HOME),
)
PAID = OrderPaid(order_id=ORDER, customer_id=ADA, placed_at=NOW, paid_at=NOW)
SHIPPED = OrderShipped(order_id=ORDER, customer_id=ADA, placed_at=NOW, shipped_at=NOW)
CANCELLED = OrderCancelled(
    order_id=ORDER,
    customer_id=ADA,
    reason="Too late",
    lines=PLACED.lines,
    shipping_fee=PLACED.shipping_fee,
    total=PLACED.total,
    placed_at=NOW,
    cancelled_at=NOW,
)
TWO_LINES = (
    LineRequest(product_id=CHAI, quantity=2),
    LineRequest(product_id=COFFEE, quantity=1, discount=Decimal("0.50")),
)

orders = Rules(
    model.evolve,
    {PlaceOrder: _place, PayOrder: model.pay, ShipOrder: model.ship, CancelOrder: model.cancel},
)


def test_an_order_is_placed_at_the_prices_of_the_moment() -> None:
    place = PlaceOrder(customer_id=ADA, lines=TWO_LINES, shipping_fee=Decimal("4.95"))
    orders.given().when(place).then(PLACED)


@pytest.mark.parametrize(
    ("price", "units", "discount", "total"),
    [
        ("0.05", 1, "0.5", "0.02"),  # 0.025: the even cent is below
        ("0.15", 1, "0.5", "0.08"),  # 0.075: the even cent is above
        ("0.01", 3, "0.3333", "0.02"),
        ("9999999.99", 1_000_000, "0", "9999999990000.00"),
        ("18.00", 12, "1", "0.00"),
    ],
)
def test_a_line_is_rounded_half_even_to_cents(price: str, units: int, discount: str, total: str) -> None:
    line = LineRequest(product_id=CHAI, quantity=units, discount=Decimal(discount))
    place = PlaceOrder(customer_id=ADA, lines=(line,))
    (placed,) = _placed(model.place(_draft(place), ORDER, BUYERS[ADA], {CHAI: offer(CHAI, price)}))
    assert placed.total == placed.lines[0].total == Money(Decimal(total))


def _placed(decision: Decision) -> tuple[OrderPlaced, ...]:
    assert isinstance(decision, tuple)
    return tuple(event for event in decision if isinstance(event, OrderPlaced))


def test_it_goes_where_the_customer_says_tidied() -> None:
    elsewhere = PostalAddress(street=" 2 High St ", city="Leeds", country="UK", region=" ")
    place = order(ADA, (CHAI, 1), ship_to=elsewhere)
    (placed,) = _placed(orders.given().when(place).decision)
    assert placed.personal
    assert placed.personal.ship_to == PostalAddress(street="2 High St", city="Leeds", country="UK")


def test_it_may_go_nowhere_yet() -> None:
    buyer = replace(BUYERS[ADA], address=None)
    (placed,) = _placed(model.place(_draft(order(ADA, (CHAI, 1))), ORDER, buyer, OFFERS))
    assert placed.personal
    assert placed.personal.ship_to is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (datetime(1996, 7, 4, 2, tzinfo=timezone(timedelta(hours=2))), datetime(1996, 7, 4, tzinfo=UTC)),
        (NOW + timedelta(seconds=4), NOW),  # a clock that is a little ahead
    ],
)
def test_an_importer_may_say_when_it_was_placed(said: datetime, kept: datetime) -> None:
    (placed,) = _placed(orders.given().when(order(ADA, (CHAI, 1), placed_at=said)).decision)
    assert (placed.placed_at, placed.placed_at.tzinfo) == (kept, UTC)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            datetime(2999, 1, 31, 12, 0, 0, 49_000, UTC),
            "must not be in the future; it is 2999-01-31T12:00:00.049Z",
        ),
        (
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
            "must not be in the future; it is 9999-12-31T23:59:59.999-14:00",
        ),
        (
            datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
            "must not be before 1900; it is 0001-01-01T00:00:00.000+14:00",
        ),
        (
            datetime(2024, 5, 31),  # noqa: DTZ001
            "must have a UTC offset, such as 2024-05-31T12:00:00Z; 2024-05-31T00:00:00 has none",
        ),
    ],
)
def test_refuses_a_time_that_cannot_have_been(said: datetime, complaint: str) -> None:
    place = order(ADA, (CHAI, 1), placed_at=said)
    (error,) = orders.given().when(place).then_refused(InvalidInput, at=("placed_at",))
    assert error.message == f"Placed at {complaint}."


@pytest.mark.parametrize("lines", [0, 101, 50_000])
def test_refuses_an_order_of_no_line_or_too_many(lines: int) -> None:
    place = order(ADA, *[(CHAI, 0)] * lines)
    orders.given().when(place).then_refused(InvalidInput, at=("lines",))


def test_a_hundred_lines_are_fine_and_may_repeat_a_product() -> None:
    (placed,) = _placed(orders.given().when(order(ADA, *[(CHAI, 2)] * 100)).decision)
    assert orders.given(placed).state.units == {CHAI: 200}


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"shipping_fee": Decimal(-1)}, ("shipping_fee",)),
        ({"shipping_fee": Decimal("0.001")}, ("shipping_fee",)),
        ({"currency_code": "EUR"}, ("shipping_fee",)),
        ({"ship_to": PostalAddress(street=" ", city="Leeds", country="UK")}, ("ship_to", "street")),
    ],
)
def test_refuses_terms_that_make_no_sense(terms: dict[str, Any], path: tuple[str, ...]) -> None:
    orders.given().when(order(ADA, (CHAI, 1), **terms)).then_refused(InvalidInput, at=path)


def test_every_bad_line_is_reported_before_anyone_looks_into_the_shop() -> None:
    lines = (
        LineRequest(product_id=NOTHING, quantity=0),
        LineRequest(product_id=CHAI, quantity=1),
        LineRequest(product_id=GONE, quantity=1_000_001, discount=Decimal("1.5")),
    )
    errors = (
        orders.given()
        .when(PlaceOrder(customer_id=NOBODY, lines=lines, shipping_fee=Decimal(-1)))
        .then_refused(*[InvalidInput] * 4)
    )
    assert [error.path for error in errors] == [
        ("lines", 0, "quantity"),
        ("lines", 2, "quantity"),
        ("lines", 2, "discount"),
        ("shipping_fee",),
    ]


def test_everything_the_shop_objects_to_is_reported() -> None:
    place = order(EVE, (GONE, 1), (CHAI, 1), (NOTHING, 1))
    errors = orders.given().when(place).then_refused(CustomerIsClosed, ProductIsDiscontinued, NotFound)
    paths = [("customer_id",), ("lines", 0, "product_id"), ("lines", 2, "product_id")]
    assert [error.path for error in errors] == paths


def test_refuses_an_order_of_nobody() -> None:
    orders.given().when(order(NOBODY, (CHAI, 1))).then_refused(NotFound, at=("customer_id",))


def test_a_placed_order_is_paid() -> None:
    orders.given(PLACED).when(PayOrder(order_id=ORDER)).then(PAID)


def test_a_paid_order_is_shipped() -> None:
    orders.given(PLACED, PAID).when(ShipOrder(order_id=ORDER)).then(SHIPPED)


@pytest.mark.parametrize("history", [(PLACED,), (PLACED, PAID)])
def test_an_order_that_has_not_gone_out_is_cancelled(history: tuple[Any, ...]) -> None:
    orders.given(*history).when(CancelOrder(order_id=ORDER, reason=" Too late ")).then(CANCELLED)


def test_refuses_a_reason_that_is_a_novel() -> None:
    cancel = CancelOrder(order_id=ORDER, reason="x" * 501)
    orders.given(PLACED).when(cancel).then_refused(InvalidInput, at=("reason",))


@pytest.mark.parametrize(
    ("history", "command", "status", "requested"),
    [
        ((PLACED, PAID), PayOrder(order_id=ORDER), OrderStatus.PAID, OrderStatus.PAID),
        ((PLACED, PAID, SHIPPED), PayOrder(order_id=ORDER), OrderStatus.SHIPPED, OrderStatus.PAID),
        ((PLACED, CANCELLED), PayOrder(order_id=ORDER), OrderStatus.CANCELLED, OrderStatus.PAID),
        ((PLACED,), ShipOrder(order_id=ORDER), OrderStatus.PLACED, OrderStatus.SHIPPED),
        ((PLACED, PAID, SHIPPED), ShipOrder(order_id=ORDER), OrderStatus.SHIPPED, OrderStatus.SHIPPED),
        ((PLACED, CANCELLED), ShipOrder(order_id=ORDER), OrderStatus.CANCELLED, OrderStatus.SHIPPED),
        ((PLACED, PAID, SHIPPED), CancelOrder(order_id=ORDER), OrderStatus.SHIPPED, OrderStatus.CANCELLED),
        ((PLACED, CANCELLED), CancelOrder(order_id=ORDER), OrderStatus.CANCELLED, OrderStatus.CANCELLED),
    ],
)
def test_refuses_a_step_that_is_not_the_next(
    history: tuple[Any, ...], command: Any, status: OrderStatus, requested: OrderStatus
) -> None:
    (error,) = orders.given(*history).when(command).then_refused(IllegalTransition, at=("order_id",))
    assert isinstance(error, IllegalTransition)
    assert (error.status, error.requested_status) == (status, requested)


def test_the_refusal_of_a_step_says_what_would_be_right() -> None:
    (error,) = (
        orders.given(PLACED, PAID, SHIPPED).when(CancelOrder(order_id=ORDER)).then_refused(IllegalTransition)
    )
    assert error.message == "This order is shipped; only an order that is placed or paid can be cancelled."


def test_a_shortage_is_at_the_line_that_the_lines_before_leave_too_little_for() -> None:
    lines = _draft(order(ADA, (CHAI, 3), (COFFEE, 9), (CHAI, 2), (CHAI, 1))).lines
    assert model.line_that_runs_short(lines, CHAI, available=5) == 3
    assert model.line_that_runs_short(lines, CHAI, available=4) == 2
    assert model.line_that_runs_short(lines, CHAI, available=2) == 0


def test_an_event_that_cannot_happen_is_a_bug() -> None:
    with pytest.raises(TypeError, match="can't happen"):
        model.evolve(None, PAID)
