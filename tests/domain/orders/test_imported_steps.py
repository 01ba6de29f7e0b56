"""An importer states when an order was paid, shipped or cancelled: in the past, and in order."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from app.cqrs.commands.outcomes import InvalidInput
from app.domain.orders.commands import CancelOrder, PayOrder, ShipOrder
from tests.domain.given import NOW
from tests.domain.orders.test_model import ORDER, PAID, PLACED, orders

LONG_AGO = NOW - timedelta(days=300)
PLACED_THEN = replace(PLACED, placed_at=LONG_AGO)
PAID_THEN = replace(PAID, placed_at=LONG_AGO, paid_at=LONG_AGO + timedelta(days=2))


def test_an_importer_may_say_when_each_step_was() -> None:
    days = [LONG_AGO + timedelta(days=number) for number in range(5)]
    (paid,) = _decided((PLACED_THEN,), PayOrder(order_id=ORDER, paid_at=days[2]))
    assert paid == PAID_THEN
    (shipped,) = _decided((PLACED_THEN, PAID_THEN), ShipOrder(order_id=ORDER, shipped_at=days[2]))
    assert (shipped.placed_at, shipped.shipped_at) == (days[0], days[2])
    cancel = CancelOrder(order_id=ORDER, cancelled_at=days[4].astimezone(timezone(timedelta(hours=9))))
    (cancelled,) = _decided((PLACED_THEN, PAID_THEN), cancel)
    assert (cancelled.cancelled_at, cancelled.cancelled_at.tzinfo) == (days[4], UTC)


def test_a_step_whose_time_is_not_stated_is_now() -> None:
    (paid,) = _decided((PLACED_THEN,), PayOrder(order_id=ORDER))
    assert paid.paid_at == NOW


def test_a_step_is_never_before_the_last_one_even_if_the_clock_was_set_back() -> None:
    ahead = replace(PLACED, placed_at=NOW + timedelta(hours=1))
    (paid,) = _decided((ahead,), PayOrder(order_id=ORDER))
    assert paid.paid_at == ahead.placed_at


def test_the_milliseconds_that_clients_see_of_a_time_are_not_before_it() -> None:
    exact = LONG_AGO + timedelta(microseconds=123_456)
    (paid,) = _decided(
        (replace(PLACED, placed_at=exact),),
        PayOrder(order_id=ORDER, paid_at=exact - timedelta(microseconds=456)),
    )
    assert paid.paid_at == exact


@pytest.mark.parametrize(
    ("history", "command", "path", "complaint"),
    [
        (
            (PLACED_THEN,),
            PayOrder(order_id=ORDER, paid_at=LONG_AGO - timedelta(milliseconds=1)),
            "paid_at",
            "Paid at must not be before 2023-08-05T12:00:00.000Z, when the order was placed; it is ",
        ),
        (
            (PLACED_THEN, PAID_THEN),
            ShipOrder(order_id=ORDER, shipped_at=LONG_AGO + timedelta(days=1)),
            "shipped_at",
            "Shipped at must not be before 2023-08-07T12:00:00.000Z, when the order was paid; it is ",
        ),
        (
            (PLACED_THEN, PAID_THEN),
            CancelOrder(order_id=ORDER, cancelled_at=LONG_AGO + timedelta(days=1)),
            "cancelled_at",
            "Cancelled at must not be before 2023-08-07T12:00:00.000Z, when the order was paid; it is ",
        ),
        (
            (PLACED_THEN,),
            PayOrder(order_id=ORDER, paid_at=NOW + timedelta(minutes=1)),
            "paid_at",
            "Paid at must not be in the future; it is ",
        ),
    ],
)
def test_refuses_a_step_out_of_order_or_in_the_future(
    history: tuple[Any, ...], command: Any, path: str, complaint: str
) -> None:
    (error,) = orders.given(*history).when(command).then_refused(InvalidInput, at=(path,))
    assert error.message.startswith(complaint)


def test_steps_that_were_recorded_without_a_time_leave_the_order_known_since_it_was_placed() -> None:
    unknown = replace(PAID_THEN, paid_at=None)
    (shipped,) = _decided((PLACED_THEN, unknown), ShipOrder(order_id=ORDER, shipped_at=LONG_AGO))
    assert shipped.shipped_at == LONG_AGO


def _decided(history: tuple[Any, ...], command: Any) -> Any:
    decision = orders.given(*history).when(command).decision
    assert isinstance(decision, tuple), decision
    return decision
