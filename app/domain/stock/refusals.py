from uuid import UUID

from app.cqrs.commands.outcomes import CommandError


class OutOfStock(CommandError):
    """An order asks for more units of a product than are available."""

    code = "OUT_OF_STOCK"
    product_id: UUID
    requested: int
    available: int


class StockTooLow(CommandError):
    """The correction would take away units that are not there or that orders have reserved."""

    code = "STOCK_TOO_LOW"
    product_id: UUID
    on_hand: int
    reserved: int


class StockTooHigh(CommandError):
    """The warehouse can't hold that many units of one product."""

    code = "STOCK_TOO_HIGH"
    product_id: UUID
    on_hand: int
    limit: int
