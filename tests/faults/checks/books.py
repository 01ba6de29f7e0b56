"""The write store as it is found when all is over, read with the project's own code."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, select

from app.cqrs.commands.aggregates import stream
from app.cqrs.commands.outcomes import Receipt
from app.cqrs.freshness.tokens import Tokens
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.history import History
from app.declared import EVENTS
from app.domain.catalog.tables import products
from app.domain.customers.tables import customers
from app.domain.orders.tables import orders
from app.domain.stock.tables import stocks
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import commands
from app.stores.sql.write_store import SqlWriteStore
from tests.domain.shop import AGGREGATES, cause
from tests.keys import keys_of

_KEYS: dict[str, Column[UUID]] = {
    "product": products.c.id,
    "stock": stocks.c.product_id,
    "customer": customers.c.id,
    "order": orders.c.id,
}


@dataclass(frozen=True, kw_only=True)
class Books:
    tokens: Tokens
    head: int
    marks: Sequence[tuple[UUID, Receipt]]
    """Each command that took effect, and the receipt that is kept of it."""
    log: Sequence[RecordedEvent]
    rows: dict[str, Any]
    """The state of each aggregate as its rows have it, by its stream."""

    @property
    def streams(self) -> dict[str, list[RecordedEvent]]:
        """The log, stream by stream."""
        found: defaultdict[str, list[RecordedEvent]] = defaultdict(list)
        for event in self.log:
            found[event.stream].append(event)
        return found


async def open_books(url: str, keys_url: str | None = None) -> Books:
    """Reads everything in the write store at this URL."""
    async with open_database(url) as engines, keys_of(url, keys_url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        async with engines.reading.connect() as connection:
            kept = (await connection.execute(select(commands.c.command_id, commands.c.receipt))).all()
        return Books(
            tokens=Tokens(await store.token_key(), History(store)),
            head=await store.head(),
            marks=[(id, msgspec.json.decode(text, type=Receipt)) for id, text in kept],
            log=await store.read(after=0, limit=10_000_000),
            rows=await _rows(store),
        )


async def _rows(store: SqlWriteStore) -> dict[str, Any]:
    found = {}
    async with store.begin(cause()) as work:
        for kind, key in _KEYS.items():
            for id in (await work.rows.execute(select(key))).scalars().all():
                found[stream(kind, id)] = await AGGREGATES[kind].load(work, id)
    return found
