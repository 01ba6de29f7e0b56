from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.cqrs.commands.outcomes import InvalidInput, Refused
from app.cqrs.messages import Event
from app.domain.stock import model
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.events import StockAdjusted, StockReceived, StockReleased, StockReserved, StockShipped
from app.domain.stock.model import MOST_ON_HAND, Stock
from app.domain.stock.refusals import OutOfStock, StockTooHigh, StockTooLow
from tests.domain.given import NOW, Rules

CHAI, ORDER = UUID(int=1), UUID(int=2)
TEN = StockReceived(product_id=CHAI, quantity=10, on_hand=10, reserved=0)
FOUR_RESERVED = StockReserved(product_id=CHAI, order_id=ORDER, quantity=4, on_hand=10, reserved=4)
FULL = StockReceived(product_id=CHAI, quantity=1, on_hand=MOST_ON_HAND, reserved=0)

warehouse = Rules(
    model.evolve,
    {
        ReceiveStock: lambda stock, command, now: model.receive(stock or Stock(id=CHAI), command, now),
        AdjustStock: lambda stock, command, now: model.adjust(stock or Stock(id=CHAI), command, now),
    },
)


def adjusted(change: int, reason: str = "Counted") -> AdjustStock:
    return AdjustStock(product_id=CHAI, change=change, reason=reason)


def test_the_first_delivery_makes_the_stock() -> None:
    warehouse.given().when(ReceiveStock(product_id=CHAI, quantity=10)).then(TEN)


def test_a_delivery_adds_to_what_is_there() -> None:
    warehouse.given(TEN, FOUR_RESERVED).when(ReceiveStock(product_id=CHAI, quantity=5)).then(
        StockReceived(product_id=CHAI, quantity=5, on_hand=15, reserved=4)
    )


@pytest.mark.parametrize("quantity", [0, -5, 1_000_001])
def test_refuses_a_delivery_that_no_truck_brings(quantity: int) -> None:
    delivery = ReceiveStock(product_id=CHAI, quantity=quantity)
    warehouse.given(TEN).when(delivery).then_refused(InvalidInput, at=("quantity",))


def test_refuses_more_than_the_warehouse_holds() -> None:
    warehouse.given(FULL).when(ReceiveStock(product_id=CHAI, quantity=1)).then_refused(
        StockTooHigh, at=("quantity",)
    )
    warehouse.given(FULL).when(adjusted(+1)).then_refused(StockTooHigh, at=("change",))


@pytest.mark.parametrize(("change", "on_hand"), [(-6, 4), (3, 13)])
def test_a_count_corrects_the_stock_up_or_down(change: int, on_hand: int) -> None:
    warehouse.given(TEN, FOUR_RESERVED).when(adjusted(change, " Counted ")).then(
        StockAdjusted(product_id=CHAI, change=change, reason="Counted", on_hand=on_hand, reserved=4)
    )


def test_refuses_to_take_away_what_orders_have_reserved() -> None:
    (error,) = (
        warehouse.given(TEN, FOUR_RESERVED).when(adjusted(-7)).then_refused(StockTooLow, at=("change",))
    )
    assert isinstance(error, StockTooLow)
    assert (error.on_hand, error.reserved) == (10, 4)
    assert "remove at most 6" in error.message


def test_refuses_to_take_from_an_empty_shelf() -> None:
    warehouse.given().when(adjusted(-1)).then_refused(StockTooLow)


@pytest.mark.parametrize("change", [0, 1_000_001, -1_000_001])
def test_refuses_a_correction_by_nothing_or_by_too_much(change: int) -> None:
    warehouse.given(TEN).when(adjusted(change)).then_refused(InvalidInput, at=("change",))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_refuses_a_correction_without_a_proper_reason(reason: str) -> None:
    warehouse.given(TEN).when(adjusted(1, reason)).then_refused(InvalidInput, at=("reason",))


def test_units_are_set_aside_for_an_order() -> None:
    assert model.reserve(warehouse.given(TEN).state, ORDER, 4) == FOUR_RESERVED


def test_the_last_unit_can_be_reserved() -> None:
    assert isinstance(model.reserve(warehouse.given(TEN).state, ORDER, 10), StockReserved)


def test_says_what_is_available_where_an_order_asks_for_more() -> None:
    answer = model.reserve(warehouse.given(TEN, FOUR_RESERVED).state, ORDER, 7)
    assert isinstance(answer, OutOfStock)
    assert (answer.product_id, answer.requested, answer.available) == (CHAI, 7, 6)


def test_released_units_are_available_again() -> None:
    assert model.release(warehouse.given(TEN, FOUR_RESERVED).state, ORDER, 4) == StockReleased(
        product_id=CHAI, order_id=ORDER, quantity=4, on_hand=10, reserved=0
    )


def test_shipped_units_are_gone() -> None:
    assert model.ship(warehouse.given(TEN, FOUR_RESERVED).state, ORDER, 4) == StockShipped(
        product_id=CHAI, order_id=ORDER, quantity=4, on_hand=6, reserved=0
    )


def test_what_was_never_reserved_cannot_be_released() -> None:
    stock = warehouse.given(TEN).state
    with pytest.raises(ValueError, match="can't be reserved"):
        model.evolve(stock, model.release(stock, ORDER, 1))


@given(
    some.lists(
        some.tuples(
            some.sampled_from(["receive", "adjust", "reserve", "release", "ship"]), some.integers(-20, 20)
        )
    )
)
def test_stock_is_never_negative_and_never_oversold(steps: list[tuple[str, int]]) -> None:
    stock, reservations = Stock(id=CHAI), [0]
    for what, units in steps:
        answer: object
        match what:
            case "receive":
                answer = model.receive(stock, ReceiveStock(product_id=CHAI, quantity=units), NOW)
            case "adjust":
                answer = model.adjust(stock, adjusted(units), NOW)
            case "reserve":
                answer = model.reserve(stock, ORDER, abs(units) + 1)
                reservations += [abs(units) + 1] if isinstance(answer, StockReserved) else []
            case _:
                held = reservations.pop() if len(reservations) > 1 else 0
                answer = (model.release if what == "release" else model.ship)(stock, ORDER, held)
        for event in answer if isinstance(answer, tuple) else (answer,):
            if isinstance(event, Event):
                stock = model.evolve(stock, event)
            else:
                assert isinstance(event, Refused | OutOfStock)
        assert 0 <= stock.reserved <= stock.on_hand
        assert stock.reserved == sum(reservations)
