from uuid import UUID

from app.cqrs.messages import Command


class ReceiveStock(Command):
    """Takes a delivery into the warehouse."""

    product_id: UUID
    quantity: int
    expected_version: int | None = None


class AdjustStock(Command):
    """Corrects the units on hand, up or down, after a count or a loss."""

    product_id: UUID
    change: int
    reason: str
    expected_version: int | None = None
