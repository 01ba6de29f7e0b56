"""The table of stocks, and functions that load and save them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Table, bindparam, select

from app.domain.stock.model import Stock
from app.stores.sql.engines.opening import Uuid, metadata
from app.stores.sql.transactions import SqlWork

stocks = Table(
    "stocks",
    metadata,
    Column("product_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="never_oversold"),
)

_INSERT = stocks.insert()
_IDS = select(stocks.c.product_id)
_UPDATE = stocks.update().where(stocks.c.product_id == bindparam("key"))


async def load(work: SqlWork, product_id: UUID) -> Stock:
    """Return the product's stock, locked for a change; it is empty before the first delivery."""
    (stock,) = await load_all(work, {product_id})
    return stock


async def load_all(work: SqlWork, product_ids: set[UUID]) -> list[Stock]:
    """Return the products' stocks, locked for a change, in the order of their ids."""
    found = {
        row.product_id: Stock(
            id=row.product_id, version=row.version, on_hand=row.on_hand, reserved=row.reserved
        )
        for row in await work.claim(stocks, product_ids)
    }
    return [found.get(product_id) or Stock(id=product_id) for product_id in sorted(product_ids)]


async def ids(work: SqlWork) -> Collection[UUID]:
    """Return the ids of all products that have a stock."""
    return (await work.rows.execute(_IDS)).scalars().all()


async def save(work: SqlWork, before: Stock | None, stock: Stock) -> None:
    """Insert the stock's row, or update it if it has one."""
    if before is None or before.version == 0:
        await work.write(_INSERT, _row(stock))
    else:
        await update_all(work, [stock])


async def update_all(work: SqlWork, changed: Sequence[Stock]) -> None:
    """Update the rows of stocks that have one."""
    await work.write(_UPDATE, *({"key": stock.id, **_row(stock)} for stock in changed))


def _row(stock: Stock) -> dict[str, object]:
    return {
        "product_id": stock.id,
        "version": stock.version,
        "on_hand": stock.on_hand,
        "reserved": stock.reserved,
    }
