from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class OutOfStock(CommandError):
    """The order asks for more units of a product than are available."""

    code = "OUT_OF_STOCK"
    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    requested: Annotated[int, "The number of units that the order asks for, on all lines together."]
    available: Annotated[int, "The number of units that can be ordered now."]


class StockTooLow(CommandError):
    """The correction would remove units that are missing from the warehouse or reserved for orders."""

    code = "STOCK_TOO_LOW"
    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    on_hand: Annotated[int, "The number of units in the warehouse."]
    reserved: Annotated[int, "The number of units that are reserved for orders."]


class StockTooHigh(CommandError):
    """The warehouse can't hold that many units of one product."""

    code = "STOCK_TOO_HIGH"
    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    on_hand: Annotated[int, "The number of units in the warehouse."]
    limit: Annotated[int, "The highest number of units that it can hold."]
