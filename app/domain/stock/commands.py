from typing import Annotated
from uuid import UUID

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command


class ReceiveStock(Command):
    """Takes a delivery into the warehouse. `expectedVersion` is that of the stock."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    quantity: Annotated[int, "From 1 to 1,000,000 units."]
    expected_version: int | None = None


class AdjustStock(Command):
    """Corrects the units on hand, after a count or a loss. `expectedVersion` is that of the stock."""

    product_id: Annotated[UUID, Id("product"), "Which product."]
    change: Annotated[int, "So many units more, or fewer when negative."]
    reason: Annotated[str, "Why, in up to 500 characters."]
    expected_version: int | None = None
