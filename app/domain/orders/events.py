"""What happens to an order. Personal data stands in one place: the field `personal`."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.cqrs.messages import Event
from app.values import Money, PostalAddress, Quantity, Sku


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """A line with title and price as they were when the order was placed."""

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
    """Who ordered and where it goes: personal data."""

    customer_name: str
    company: str | None = None
    ship_to: PostalAddress | None = None


class OrderPlaced(Event):
    """An order was placed, and its stock reserved."""

    order_id: UUID
    customer_id: UUID
    lines: tuple[OrderLine, ...]
    shipping_fee: Money
    total: Money
    """The lines' totals and the shipping fee."""
    placed_at: datetime
    personal: Delivery


class OrderPaid(Event):
    """An order is paid."""

    order_id: UUID
    customer_id: UUID
    placed_at: datetime


class OrderShipped(Event):
    """An order has left the warehouse."""

    order_id: UUID
    customer_id: UUID
    placed_at: datetime


class OrderCancelled(Event):
    """An order was called off; it says what it had, so that sums can be taken back."""

    order_id: UUID
    customer_id: UUID
    reason: str
    lines: tuple[OrderLine, ...]
    shipping_fee: Money
    total: Money
    placed_at: datetime
