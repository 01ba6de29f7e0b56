from typing import Annotated
from uuid import UUID

from app.cqrs.message_fields import Id
from app.cqrs.messages import Command


class ReceiveStock(Command):
    """Adds a delivery to the stock of a product. `expectedVersion` is the version of the stock."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    quantity: Annotated[int, "The number of delivered units, 1 to 1,000,000."]
    expected_version: int | None = None


class AdjustStock(Command):
    """Corrects the units on hand, after a count or a loss. `expectedVersion` is the version of the stock."""

    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
    change: Annotated[int, "The number of units to add, or to remove if negative."]
    reason: Annotated[str, "The reason for the correction, up to 500 characters."]
    expected_version: int | None = None
