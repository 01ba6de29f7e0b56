"""The orders' interface for other contexts, which call it within their transactions."""

from uuid import UUID

from app.domain.orders import tables
from app.stores.sql.transactions import SqlWork


async def open_orders(work: SqlWork, customer_id: UUID) -> int:
    """Return the number of a customer's orders that are neither shipped nor cancelled."""
    return await tables.count_open(work, customer_id)
