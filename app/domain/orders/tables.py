"""The orders' tables, and functions that load and save orders."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)

from app.domain.orders.events import OrderLine
from app.domain.orders.model import Order
from app.domain.orders.status import OrderStatus
from app.stores.sql.engines.opening import UtcDateTime, Uuid, metadata
from app.stores.sql.transactions import SqlWork
from app.values import Money, Quantity, Sku, discount

# No names or addresses: no rule needs them, and data that is not stored need not be deleted.
orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("status", String(20), nullable=False),
    Column("shipping_fee_cents", BigInteger, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("step_at", UtcDateTime),  # of the newest step after placing
)

_IS_OPEN = orders.c.status.in_(
    [literal_column(f"'{status.value}'") for status in (OrderStatus.PLACED, OrderStatus.PAID)]
)
Index("ix_orders_open", orders.c.customer_id, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey(orders.c.id), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("product_id", Uuid, nullable=False),
    Column("sku", String(40), nullable=False),
    Column("title", String(200), nullable=False),
    Column("category", String(100), nullable=False),
    Column("packaging", String(200), nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("discount_ten_thousandths", Integer, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
)

TEN_THOUSAND = Decimal(10_000)

_CUSTOMER = select(orders.c.customer_id).where(orders.c.id == bindparam("key"))
_LINES = select(order_lines).where(order_lines.c.order_id == bindparam("key")).order_by(order_lines.c.line)
_OPEN = select(func.count()).select_from(orders).where(orders.c.customer_id == bindparam("key"), _IS_OPEN)
_INSERT = orders.insert()
_INSERT_LINES = order_lines.insert()
_IDS = select(orders.c.id)
_UPDATE = orders.update().where(orders.c.id == bindparam("key"))


async def load(work: SqlWork, order_id: UUID) -> Order | None:
    """Return the order with this id, locked for a change, or `None` if there is none."""
    found = await work.claim(orders, {order_id})
    if not found:
        return None
    [row] = found
    return Order(
        id=row.id,
        version=row.version,
        customer_id=row.customer_id,
        status=OrderStatus(row.status),
        lines=tuple(_line(line) for line in await work.rows.execute(_LINES, {"key": order_id})),
        shipping_fee=Money.from_cents(row.shipping_fee_cents),
        total=Money.from_cents(row.total_cents),
        placed_at=row.placed_at,
        since=row.step_at or row.placed_at,
    )


async def customer_of(work: SqlWork, order_id: UUID) -> UUID | None:
    """Return the id of the customer who placed an order, without a lock, or `None` if there is no order."""
    return (await work.rows.execute(_CUSTOMER, {"key": order_id})).scalar_one_or_none()


async def count_open(work: SqlWork, customer_id: UUID) -> int:
    """Return the number of a customer's orders that are neither shipped nor cancelled, without a lock."""
    count: int = (await work.rows.execute(_OPEN, {"key": customer_id})).scalar_one()
    return count


async def ids(work: SqlWork) -> Collection[UUID]:
    """Return the ids of all orders."""
    return (await work.rows.execute(_IDS)).scalars().all()


async def save(work: SqlWork, before: Order | None, order: Order) -> None:
    """Insert a new order's rows, or update the status and version if there was an order `before`."""
    if before:
        changed = {
            "key": order.id,
            "version": order.version,
            "status": order.status.value,
            "step_at": order.since,
        }
        await work.write(_UPDATE, changed)
        return
    row = {
        "id": order.id,
        "version": order.version,
        "customer_id": order.customer_id,
        "status": order.status.value,
        "shipping_fee_cents": order.shipping_fee.cents,
        "total_cents": order.total.cents,
        "placed_at": order.placed_at,
    }
    await work.write(_INSERT, row)
    lines = [_line_row(order.id, number, line) for number, line in enumerate(order.lines)]
    await work.write(_INSERT_LINES, *lines)


def _line_row(order_id: UUID, number: int, line: OrderLine) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "line": number,
        "product_id": line.product_id,
        "sku": line.sku,
        "title": line.title,
        "category": line.category,
        "packaging": line.packaging,
        "unit_price_cents": line.unit_price.cents,
        "quantity": line.quantity,
        "discount_ten_thousandths": int(line.discount * TEN_THOUSAND),
        "total_cents": line.total.cents,
    }


def _line(row: Row[Any]) -> OrderLine:
    return OrderLine(
        product_id=row.product_id,
        sku=Sku(row.sku),
        title=row.title,
        category=row.category,
        packaging=row.packaging,
        unit_price=Money.from_cents(row.unit_price_cents),
        quantity=Quantity(row.quantity),
        discount=discount(row.discount_ten_thousandths / TEN_THOUSAND),
        total=Money.from_cents(row.total_cents),
    )
