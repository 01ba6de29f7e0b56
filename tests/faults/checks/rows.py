"""Tables and log agree; streams and positions have no gap; stock is what the orders leave of it."""

from collections import Counter
from uuid import UUID

from app.cqrs.commands.aggregates import stream
from app.cqrs.operating.folding import Folding
from app.declared import AGGREGATES
from app.domain.orders.status import OrderStatus
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
    folding = Folding(AGGREGATES)
    for event in books.log:
        folding.take(event)
    for difference in folding.differences(books.rows):
        yield wrong(difference)
    yield from _stock(books)


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
