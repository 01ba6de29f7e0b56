from typing import Annotated
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.message_fields import Id


class DuplicateSku(CommandError):
    """Another product has this SKU."""

    code = "DUPLICATE_SKU"
    sku: Annotated[str, "The SKU, as the shop writes it."]
    product_id: Annotated[UUID, Id("product"), "The product that has it."]


class ProductIsDiscontinued(CommandError):
    """The product is no longer on sale."""

    code = "PRODUCT_DISCONTINUED"
    product_id: Annotated[UUID, Id("product"), "The product."]
