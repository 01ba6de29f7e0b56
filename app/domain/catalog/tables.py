"""The catalog's table, and functions that load and save products."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Integer, Row, String, Table, Text, bindparam, select

from app.domain.catalog.model import Product
from app.stores.sql.engines.opening import Uuid, metadata
from app.stores.sql.transactions import SqlWork
from app.values import Money, Sku

products = Table(
    "products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sku", String(40), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("category", String(100), nullable=False),
    Column("description", Text, nullable=False),
    Column("packaging", String(200), nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    Column("discontinued", Boolean, nullable=False),
)

_INSERT = products.insert()
_IDS = select(products.c.id)
_UPDATE = products.update().where(products.c.id == bindparam("key"))


async def load(work: SqlWork, product_id: UUID) -> Product | None:
    """Return the product with this id, locked for a change, or `None` if there is none."""
    found = await work.claim(products, {product_id})
    return _product(found[0]) if found else None


async def load_all(work: SqlWork, product_ids: set[UUID]) -> list[Product]:
    """Return those of the products that exist; no other transaction changes them before the commit."""
    return [_product(row) for row in await work.rely_on(products, product_ids)]


async def with_sku(work: SqlWork, sku: Sku) -> UUID | None:
    """Return the id of the product that has this SKU, or `None` if there is none."""
    return await work.holder(products.c.sku, sku)


async def ids(work: SqlWork) -> Collection[UUID]:
    """Return the ids of all products."""
    return (await work.rows.execute(_IDS)).scalars().all()


async def save(work: SqlWork, before: Product | None, product: Product) -> None:
    """Insert the product's row, or update it if there was a product `before`."""
    row = {
        "id": product.id,
        "version": product.version,
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "description": product.description,
        "packaging": product.packaging,
        "unit_price_cents": product.unit_price.cents,
        "discontinued": product.discontinued,
    }
    if before is None:
        await work.write(_INSERT, row)
    else:
        await work.write(_UPDATE, {"key": product.id, **row})


def _product(row: Row[Any]) -> Product:
    return Product(
        id=row.id,
        version=row.version,
        sku=row.sku,
        name=row.name,
        category=row.category,
        description=row.description,
        packaging=row.packaging,
        unit_price=Money.from_cents(row.unit_price_cents),
        discontinued=row.discontinued,
    )
