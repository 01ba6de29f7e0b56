"""Events of orders that were stored in earlier shapes are read in the current one."""

from uuid import UUID

import pytest

from app.cqrs import contexts
from app.domain.contexts import CONTEXTS
from app.domain.orders.events import OrderCancelled, OrderPaid, OrderShipped

TYPES = contexts.event_types(CONTEXTS)
OF_EVERY = (
    '"order_id":"00000000-0000-0000-0000-000000000015","customer_id":"00000000-0000-0000-0000-00000000000b",'
    '"placed_at":"2026-01-31T09:00:00Z"'
)
AMOUNTS = (
    '"reason":"","lines":[],"shipping_fee":{"amount":"4.50","currency_code":"USD"},'
    '"total":{"amount":"4.50","currency_code":"USD"}'
)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("OrderPaid", f"{{{OF_EVERY}}}"),
        ("OrderShipped", f"{{{OF_EVERY}}}"),
        ("OrderCancelled", f"{{{OF_EVERY},{AMOUNTS}}}"),
    ],
)
def test_a_step_of_version_1_has_the_time_of_its_recording(name: str, stored: str) -> None:
    event = TYPES.read(name, 1, stored)
    assert isinstance(event, OrderPaid | OrderShipped | OrderCancelled)
    assert event.order_id == UUID(int=21)
    match event:
        case OrderPaid(paid_at=at) | OrderShipped(shipped_at=at) | OrderCancelled(cancelled_at=at):
            assert at is None
