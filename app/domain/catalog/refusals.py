from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class DuplicateSku(CommandError):
    """The SKU belongs to another product."""

    code = "DUPLICATE_SKU"
    sku: Annotated[str, "The SKU in the form in which it is stored."]
    product_id: Annotated[UUID, Id("product"), "The global id of the product that has the SKU."]


class ProductIsDiscontinued(CommandError):
    """The product was taken off sale for good."""

    code = "PRODUCT_DISCONTINUED"
    product_id: Annotated[UUID, Id("product"), "The global id of the product."]
