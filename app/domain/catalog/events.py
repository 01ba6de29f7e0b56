from uuid import UUID

from app.cqrs.messages import Event
from app.values import Money, Sku


class ProductAdded(Event):
    """A product is on sale."""

    product_id: UUID
    sku: Sku
    name: str
    category: str
    description: str
    packaging: str
    unit_price: Money


class ProductUpdated(Event):
    """A product is described anew: the whole description as it is now."""

    product_id: UUID
    sku: Sku
    name: str
    category: str
    description: str
    packaging: str


class PriceChanged(Event):
    """A product has another price."""

    product_id: UUID
    unit_price: Money
    previous_price: Money


class ProductDiscontinued(Event):
    """A product is no longer on sale."""

    product_id: UUID
