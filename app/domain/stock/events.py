"""The events of stocks. Each has the units that are on hand and reserved after it."""

from uuid import UUID

from app.cqrs.messages import Event


class StockReceived(Event):
    """A delivery was added to the stock."""

    personal_fields = ()

    product_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockAdjusted(Event):
    """The units on hand were corrected."""

    personal_fields = ("reason",)
    person_field = "product_id"  # the reason may name anybody

    product_id: UUID
    change: int
    reason: str | None
    on_hand: int
    reserved: int


class StockReserved(Event):
    """Units were reserved for an order."""

    personal_fields = ()

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockReleased(Event):
    """Reserved units of an order were made available again."""

    personal_fields = ()

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int


class StockShipped(Event):
    """Reserved units of an order have left the warehouse."""

    personal_fields = ()

    product_id: UUID
    order_id: UUID
    quantity: int
    on_hand: int
    reserved: int
