"""What happens to a product's stock. Each event says what is on hand and reserved after it."""

from uuid import UUID

from app.cqrs.messages import Event


class StockReceived(Event):
    """A delivery came in."""

    product_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockAdjusted(Event):
    """The units on hand were corrected."""

    product_id: UUID
    change: int
    reason: str
    on_hand: int
    reserved: int


class StockReserved(Event):
    """Units were set aside for an order."""

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockReleased(Event):
    """Units that were set aside for an order are available again."""

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockShipped(Event):
    """Units that were set aside for an order have left the warehouse."""

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int
