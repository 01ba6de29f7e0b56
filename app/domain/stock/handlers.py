from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Decision, Refused, not_found, refused
from app.cqrs.contexts import context_of
from app.domain.catalog import published as catalog
from app.domain.stock import model, tables
from app.domain.stock.commands import AdjustStock, ReceiveStock
from app.domain.stock.model import Stock
from app.stores.sql.transactions import SqlWork

stocks = Aggregate(
    kind="stock",
    evolve=model.evolve,
    load=tables.load,
    save=tables.save,
    ids=tables.ids,
    identified_by="product",
)


async def receive_stock(command: ReceiveStock, work: SqlWork) -> Refused | Stock:
    """Add a delivery to the stock of an existing product."""
    return await _change(command, work, model.receive)


async def adjust_stock(command: AdjustStock, work: SqlWork) -> Refused | Stock:
    """Correct the stock of an existing product."""
    return await _change(command, work, model.adjust)


async def _change(
    command: ReceiveStock | AdjustStock, work: SqlWork, decide: Callable[[Stock, Any, datetime], Decision]
) -> Refused | Stock:
    if not await catalog.offers(work, {command.product_id}):
        return refused(not_found("product", command.product_id, "product_id"))
    return await stocks.change(work, command, decide)


CONTEXT = context_of(
    __name__,
    handlers={
        ReceiveStock: receive_stock,
        AdjustStock: adjust_stock,
    },
    aggregates=[stocks],
)
