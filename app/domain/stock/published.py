"""The warehouse's interface for other contexts, which call it within their transactions.

Each call makes one read and one write for all products.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.cqrs.commands.aggregates import stream
from app.cqrs.messages import Event
from app.domain.stock import model, tables
from app.domain.stock.model import Stock
from app.domain.stock.refusals import OutOfStock
from app.stores.sql.transactions import SqlWork

Units = Mapping[UUID, int]
"""Numbers of units, by product id."""


async def reserve(work: SqlWork, order_id: UUID, units: Units) -> tuple[OutOfStock, ...]:
    """Reserve all the units; or none, and return an `OutOfStock` for each product that is short."""
    stocks = await tables.load_all(work, set(units))
    answers = [model.reserve(stock, order_id, units[stock.id]) for stock in stocks]
    short = tuple(answer for answer in answers if isinstance(answer, OutOfStock))
    if not short:
        await _record(work, stocks, [answer for answer in answers if isinstance(answer, Event)])
    return short


async def release(work: SqlWork, order_id: UUID, units: Units) -> None:
    """Release an order's reserved units; raise `ValueError` if they were not reserved."""
    stocks = await tables.load_all(work, set(units))
    await _record(work, stocks, [model.release(stock, order_id, units[stock.id]) for stock in stocks])


async def ship(work: SqlWork, order_id: UUID, units: Units) -> None:
    """Take an order's units out of the warehouse; raise `ValueError` if they were not reserved."""
    stocks = await tables.load_all(work, set(units))
    await _record(work, stocks, [model.ship(stock, order_id, units[stock.id]) for stock in stocks])


async def _record(work: SqlWork, stocks: Sequence[Stock], events: Sequence[Event]) -> None:
    changes = list(zip(stocks, events, strict=True))
    await tables.update_all(work, [model.evolve(stock, event) for stock, event in changes])
    for stock, event in changes:
        work.record(stream("stock", stock.id), stock.version, [event])
