from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class OutOfStock(CommandError):
    """An order asks for more units of a product than are available."""

    code = "OUT_OF_STOCK"
    product_id: Annotated[UUID, Id("product"), "The product."]
    requested: Annotated[int, "Units asked for, on all lines together."]
    available: Annotated[int, "Units that can be ordered now."]


class StockTooLow(CommandError):
    """The correction would take away units that are not there or that orders have reserved."""

    code = "STOCK_TOO_LOW"
    product_id: Annotated[UUID, Id("product"), "The product."]
    on_hand: Annotated[int, "Units in the warehouse."]
    reserved: Annotated[int, "Units set aside for orders."]


class StockTooHigh(CommandError):
    """The warehouse can't hold that many units of one product."""

    code = "STOCK_TOO_HIGH"
    product_id: Annotated[UUID, Id("product"), "The product."]
    on_hand: Annotated[int, "Units in the warehouse."]
    limit: Annotated[int, "The most it can hold."]
