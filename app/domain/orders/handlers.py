from dataclasses import replace

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Refused, refused
from app.cqrs.contexts import context_of
from app.domain.catalog import published as catalog
from app.domain.customers import published as customers
from app.domain.orders import model, tables
from app.domain.orders.commands import CancelOrder, PayOrder, PlaceOrder, ShipOrder
from app.domain.orders.model import Order
from app.domain.stock import published as stock
from app.stores.sql.transactions import SqlWork

orders = Aggregate(
    kind="order",
    evolve=model.evolve,
    load=tables.load,
    save=tables.save,
    ids=tables.ids,
    customer_of=tables.customer_of,
)


async def place_order(command: PlaceOrder, work: SqlWork) -> Refused | Order:
    """Place an order and reserve its stock, or refuse it with every reason of the first kind that there is.

    The input comes first, then customer and offers, then the stock: a refused order holds up no stock.
    """
    draft = model.draft(command, work.now)
    if isinstance(draft, Refused):
        return draft
    order_id = uuid7()
    buyer = await customers.buyer(work, draft.customer_id)
    offers = await catalog.offers(work, {line.product_id for line in draft.lines})
    order = await orders.create(work, order_id, model.place(draft, order_id, buyer, offers))
    if isinstance(order, Refused):
        return order
    shortages = await stock.reserve(work, order_id, order.units)
    at_lines = (
        (model.line_that_runs_short(draft.lines, short.product_id, short.available), short)
        for short in shortages
    )
    errors = [replace(short, path=("lines", line, "quantity")) for line, short in at_lines]
    return refused(*sorted(errors, key=lambda error: error.path)) if errors else order


async def ship_order(command: ShipOrder, work: SqlWork) -> Refused | Order:
    """Ship an order, and take its units out of the stock."""
    order = await orders.change(work, command, model.ship)
    if not isinstance(order, Refused):
        await stock.ship(work, order.id, order.units)
    return order


async def cancel_order(command: CancelOrder, work: SqlWork) -> Refused | Order:
    """Cancel an order, and release its stock."""
    order = await orders.change(work, command, model.cancel)
    if not isinstance(order, Refused):
        await stock.release(work, order.id, order.units)
    return order


CONTEXT = context_of(
    __name__,
    handlers={
        PlaceOrder: place_order,
        PayOrder: orders.changed_by(model.pay),
        ShipOrder: ship_order,
        CancelOrder: cancel_order,
    },
    aggregates=[orders],
)
