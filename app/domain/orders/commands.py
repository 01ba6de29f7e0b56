from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.cqrs.messages import Command
from app.values import CURRENCY, PostalAddress


@dataclass(frozen=True, kw_only=True)
class LineRequest:
    """So many units of a product, and the share of its price that is taken off (0 to 1)."""

    product_id: UUID
    quantity: int
    discount: Decimal = Decimal(0)


class PlaceOrder(Command):
    """Buys 1 to 100 lines of products at the prices of this moment, and reserves the stock."""

    customer_id: UUID
    lines: tuple[LineRequest, ...]
    shipping_fee: Decimal = Decimal(0)
    currency_code: str = CURRENCY
    ship_to: PostalAddress | None = None
    """The customer's own address where it is not given."""
    placed_at: datetime | None = None
    """When it was placed, in the past, for who loads history; now where it is not given."""


class PayOrder(Command):
    """Notes that a placed order is paid."""

    order_id: UUID
    expected_version: int | None = None


class ShipOrder(Command):
    """Sends a paid order; its stock leaves the warehouse."""

    order_id: UUID
    expected_version: int | None = None


class CancelOrder(Command):
    """Calls off an order that has not been shipped; its stock is available again."""

    order_id: UUID
    reason: str = ""
    expected_version: int | None = None
