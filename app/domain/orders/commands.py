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
    """So many units of a product, and the share of its price that is taken off."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    quantity: Annotated[int, "From 1 to 1,000,000 units."]
    discount: Annotated[Decimal, "The share taken off the price, from 0 to 1."] = Decimal(0)


class PlaceOrder(Command):
    """Places an order and reserves its stock, or says all that is short."""

    customer_id: Annotated[UUID, Id("customer"), "Who orders."]
    lines: Annotated[tuple[LineRequest, ...], "What: 1 to 100 lines."]
    shipping_fee: Annotated[Decimal, "What sending costs."] = Decimal(0)
    currency_code: Annotated[str, "The currency of the shipping fee, as in ISO 4217."] = CURRENCY
    ship_to: Annotated[PostalAddress | None, "Where it goes; to the customer's own address if null."] = None
    placed_at: Annotated[
        datetime | None, "When it was placed, in the past, to load history; now if null."
    ] = None


class PayOrder(Command):
    """Notes that a placed order is paid."""

    order_id: Annotated[UUID, Id("order"), "Which order."]
    expected_version: int | None = None


class ShipOrder(Command):
    """Sends a paid order; its stock leaves the warehouse."""

    order_id: Annotated[UUID, Id("order"), "Which order."]
    expected_version: int | None = None


class CancelOrder(Command):
    """Calls off an order that is not shipped; its stock is available again."""

    order_id: Annotated[UUID, Id("order"), "Which order."]
    reason: Annotated[str, "Why, in up to 500 characters."] = ""
    expected_version: int | None = None
