from uuid import UUID

from app.cqrs.messages import Event
from app.values import Money, Sku


class ProductAdded(Event):
    """A product was added to the catalog."""

    personal_fields = ()

    product_id: UUID
    sku: Sku
    name: str
    category: str
    description: str
    packaging: str
    unit_price: Money


class ProductUpdated(Event):
    """A product's description was changed; the event has the whole new description."""

    personal_fields = ()

    product_id: UUID
    sku: Sku
    name: str
    category: str
    description: str
    packaging: str


class PriceChanged(Event):
    """A product's price was changed."""

    personal_fields = ()

    product_id: UUID
    unit_price: Money
    previous_price: Money


class ProductDiscontinued(Event):
    """A product was taken off sale for good."""

    personal_fields = ()

    product_id: UUID
