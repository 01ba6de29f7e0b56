"""The events of orders. Personal data is in `personal` and `reason`, which are `None` once forgotten."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from app.cqrs.log.upcasting import Data, Upcasters
from app.cqrs.messages import Event
from app.values import Money, PostalAddress, Quantity, Sku


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """A line of an order, with the title and price at the time when the order was placed."""

    product_id: UUID
    sku: Sku
    title: str
    category: str
    packaging: str
    unit_price: Money
    quantity: Quantity
    discount: Decimal
    total: Money
    """Unit price × quantity × (1 − discount), rounded half-even to cents."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The personal data of an order: the customer's name and the shipping address."""

    customer_name: str
    company: str | None = None
    ship_to: PostalAddress | None = None


class OrderPlaced(Event):
    """An order was placed, and its stock reserved."""

    personal_fields = ("personal",)
    person_field = "customer_id"

    order_id: UUID
    customer_id: UUID
    lines: tuple[OrderLine, ...]
    shipping_fee: Money
    total: Money
    """The sum of the lines' totals and the shipping fee."""
    placed_at: datetime
    personal: Delivery | None


class OrderPaid(Event):
    """An order was paid."""

    schema_version: ClassVar[int] = 2
    personal_fields = ()

    order_id: UUID
    customer_id: UUID
    placed_at: datetime
    paid_at: datetime | None = None
    """The time of the step; `None` in events of version 1, whose time is that of their recording."""


class OrderShipped(Event):
    """An order was shipped."""

    schema_version: ClassVar[int] = 2
    personal_fields = ()

    order_id: UUID
    customer_id: UUID
    placed_at: datetime
    shipped_at: datetime | None = None
    """The time of the step; `None` in events of version 1, whose time is that of their recording."""


class OrderCancelled(Event):
    """An order was cancelled; the event repeats the order's amounts, so that sums can be reduced by them."""

    schema_version: ClassVar[int] = 2
    personal_fields = ("reason",)
    person_field = "customer_id"

    order_id: UUID
    customer_id: UUID
    reason: str | None
    lines: tuple[OrderLine, ...]
    shipping_fee: Money
    total: Money
    placed_at: datetime
    cancelled_at: datetime | None = None
    """The time of the step; `None` in events of version 1, whose time is that of their recording."""


upcasters = Upcasters()


@upcasters.step(("OrderPaid", 1), ("OrderPaid", 2))
@upcasters.step(("OrderShipped", 1), ("OrderShipped", 2))
@upcasters.step(("OrderCancelled", 1), ("OrderCancelled", 2))
def without_a_time(data: Data) -> Data:
    """Return the fields unchanged: the time of the step is that of its recording."""
    return data
