"""Tables and log agree; streams and positions have no gap; stock is what the orders leave of it."""

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from uuid import UUID

from app.cqrs.commands.aggregates import stream
from app.cqrs.log.events import RecordedEvent
from app.domain.orders.status import OrderStatus
from tests.domain.shop import AGGREGATES
from tests.faults.checks.books import Books
from tests.faults.findings import Findings, wrong

OPEN = (OrderStatus.PLACED, OrderStatus.PAID)


def check_rows(books: Books) -> Findings:
    """What rows and events say against each other."""
    yield from _places(books)
    for name, events in books.streams.items():
        versions = [event.stream_version for event in events]
        if versions != list(range(1, len(events) + 1)):
            yield wrong(f"the versions of {name} are {versions}")
        folded = _folded(name, events)
        if books.rows.get(name) != folded:
            yield wrong(f"{name} is {books.rows.get(name)} in its rows and {folded} by its events")
    for name in books.rows.keys() - books.streams.keys():
        yield wrong(f"{name} has a row and no events")
    yield from _stock(books)


def _folded(name: str, events: Sequence[RecordedEvent]) -> object:
    """What the events make of the aggregate, or why they make no sense."""
    kind = AGGREGATES.get(name.partition("-")[0])
    if kind is None:
        return None  # A newer program wrote them, which has other rows, too.
    try:
        return reduce(kind.evolve, (event.event for event in events), None)
    except TypeError as nonsense:
        return f"nonsense ({nonsense})"


def _places(books: Books) -> Findings:
    positions = [event.position for event in books.log]
    if positions != list(range(1, len(positions) + 1)):
        missing = sorted(set(range(1, books.head + 1)) - set(positions))
        yield wrong(f"the log's {len(positions)} positions have gaps or doubles; missing: {missing[:20]}")


def _stock(books: Books) -> Findings:
    needed: Counter[UUID] = Counter()
    for name, state in books.rows.items():
        if name.startswith("order-") and state.status in OPEN:
            for line in state.lines:
                needed[line.product_id] += int(line.quantity)
    stocks = {state.id: state for name, state in books.rows.items() if name.startswith("stock-")}
    for id in needed.keys() | stocks.keys():
        stock = stocks.get(id)
        reserved = stock.reserved if stock else 0
        if reserved != needed[id]:
            yield wrong(f"{stream('stock', id)} has {reserved} reserved, and open orders need {needed[id]}")
        if stock and not 0 <= stock.reserved <= stock.on_hand:
            yield wrong(f"{stream('stock', id)} is oversold: {stock}")
