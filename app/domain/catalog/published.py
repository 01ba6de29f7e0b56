"""The catalog's interface for other contexts, which call it within their transactions."""

from dataclasses import dataclass
from uuid import UUID

from app.cqrs.commands.outcomes import CommandError
from app.domain.catalog import model, tables
from app.stores.sql.transactions import SqlWork
from app.values import Money, Sku


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A product with its current price."""

    product_id: UUID
    sku: Sku
    title: str
    category: str
    packaging: str
    unit_price: Money
    objection: CommandError | None
    """The reason why the product can't be ordered, if there is one."""


async def offers(work: SqlWork, product_ids: set[UUID]) -> dict[UUID, Offer]:
    """Return the offers of those products that exist, including discontinued ones, by product id."""
    return {
        product.id: Offer(
            product_id=product.id,
            sku=product.sku,
            title=product.name,
            category=product.category,
            packaging=product.packaging,
            unit_price=product.unit_price,
            objection=model.withdrawn(product) if product.discontinued else None,
        )
        for product in await tables.load_all(work, product_ids)
    }
