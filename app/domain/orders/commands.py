from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command
from app.values import CURRENCY, PostalAddress


@dataclass(frozen=True, kw_only=True)
class LineRequest:
    """A line of an order to be placed."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    quantity: Annotated[int, "The number of units, 1 to 1,000,000."]
    discount: Annotated[
        Decimal,
        "The discount as a share of the price, 0 to 1 with at most 4 decimals. The line's total is rounded "
        "half to even to whole cents. Only staff and operators may set it.",
    ] = Decimal(0)


class PlaceOrder(Command):
    """Places an order at current prices, and reserves its stock.

    The total of each line is rounded half to even to whole cents, and the order's total adds these up. If
    stock is short, the order is refused with one `OutOfStock` for each product that is short.
    """

    customer_id: Annotated[UUID, Id("customer"), "The global id of the customer who places the order."]
    lines: Annotated[tuple[LineRequest, ...], "The lines of the order, 1 to 100."]
    shipping_fee: Annotated[
        Decimal,
        "The shipping fee, 0 to 9,999,999.99. The default is 0, and only staff and operators may set it.",
    ] = Decimal(0)
    currency_code: Annotated[str, "The ISO 4217 code of the shipping fee's currency."] = CURRENCY
    ship_to: Annotated[
        PostalAddress | None, "The address to ship to. The default is the customer's address."
    ] = None
    placed_at: Annotated[
        datetime | None,
        "The time at which the order was placed, in the past, for importing old orders. The default is now, "
        "and only staff and operators may set it.",
    ] = None


class PayOrder(Command):
    """Marks a placed order as paid."""

    order_id: Annotated[UUID, Id("order"), "The global id of the order."]
    paid_at: Annotated[
        datetime | None,
        "The time at which the order was paid, for importing old orders: in the past, and not before it was "
        "placed. The default is now.",
    ] = None
    expected_version: int | None = None


class ShipOrder(Command):
    """Marks a paid order as shipped; its stock leaves the warehouse."""

    order_id: Annotated[UUID, Id("order"), "The global id of the order."]
    shipped_at: Annotated[
        datetime | None,
        "The time at which the order was shipped, for importing old orders: in the past, and not before it "
        "was paid. The default is now.",
    ] = None
    expected_version: int | None = None


class CancelOrder(Command):
    """Cancels an order that is not shipped yet; its stock becomes available again."""

    order_id: Annotated[UUID, Id("order"), "The global id of the order."]
    reason: Annotated[str, "The reason for the cancellation, up to 500 characters."] = ""
    cancelled_at: Annotated[
        datetime | None,
        "The time at which the order was cancelled, for importing old orders: in the past, and not before it "
        "was placed or paid. The default is now, and only staff and operators may set it.",
    ] = None
    expected_version: int | None = None
