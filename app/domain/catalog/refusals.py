from uuid import UUID

from app.cqrs.commands.outcomes import CommandError


class DuplicateSku(CommandError):
    """Another product has this SKU."""

    code = "DUPLICATE_SKU"
    sku: str
    product_id: UUID


class ProductIsDiscontinued(CommandError):
    """The product is no longer on sale."""

    code = "PRODUCT_DISCONTINUED"
    product_id: UUID
