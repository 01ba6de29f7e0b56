"""A shop on a real write store, without GraphQL and without read models."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, text
from uuid_utils.compat import uuid7

from app.cqrs import contexts
from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.bus import CommandBus
from app.cqrs.commands.outcomes import CommandError, Receipt, Refused
from app.cqrs.commands.write_store import Cause
from app.cqrs.log.events import RecordedEvent
from app.cqrs.messages import Command
from app.cqrs.viewers import OPEN, Viewer
from app.declared import EVENTS
from app.domain.contexts import CONTEXTS
from app.domain.customers.commands import RegisterCustomer
from app.domain.orders import events as order_events
from app.domain.stock.commands import ReceiveStock
from app.stores.sql.engines.opening import Engines, open_database
from app.stores.sql.write_store import SqlWriteStore
from tests.domain.wanted import order, product
from tests.keys import keys_of

HANDLERS, RULES = contexts.handlers(CONTEXTS), contexts.rules(CONTEXTS)
CUSTOMERS_OF = contexts.customers_of(CONTEXTS)
AGGREGATES: dict[str, Aggregate[Any, Any]] = {
    aggregate.kind: aggregate for context in CONTEXTS for aggregate in context.aggregates
}


@dataclass(frozen=True)
class Shop:
    engines: Engines
    store: SqlWriteStore
    bus: CommandBus
    keyed: Callable[[str], str] = str

    def of_another_process(self) -> "Shop":
        """Return the same shop as another process has it: commands do not wait for those of this one."""
        return Shop(self.engines, self.store, _bus(self.store, self.keyed), self.keyed)

    async def accept(self, command: Command, *, viewer: Viewer = OPEN, **how: Any) -> Receipt:
        outcome = await self.bus.execute(command, viewer=viewer, **how)
        assert isinstance(outcome, Receipt), outcome
        return outcome

    async def refuse(self, command: Command, *, viewer: Viewer = OPEN, **how: Any) -> list[CommandError]:
        outcome = await self.bus.execute(command, viewer=viewer, **how)
        assert isinstance(outcome, Refused), outcome
        return list(outcome.errors)

    async def product(self, *, on_hand: int = 0, **described: Any) -> UUID:
        product_id = made_by(await self.accept(product(**described)))
        if on_hand:
            await self.accept(ReceiveStock(product_id=product_id, quantity=on_hand))
        return product_id

    async def customer(self, **details: Any) -> UUID:
        return made_by(await self.accept(RegisterCustomer(**{"name": "Ada", **details})))

    async def order(self, customer_id: UUID, *wanted: tuple[UUID, int]) -> UUID:
        return made_by(await self.accept(order(customer_id, *wanted)))

    async def load(self, kind: str, id: UUID) -> Any:
        async with self.store.begin(cause()) as work:
            return await AGGREGATES[kind].load(work, id)

    async def history(self, stream: str | None = None) -> list[RecordedEvent]:
        recorded = await self.store.read(after=0, limit=1_000_000)
        return [event for event in recorded if stream in (None, event.stream)]

    async def count(self, table: Table) -> int:
        async with self.engines.reading.connect() as connection:
            rows: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            return rows

    async def until_waiting(self, count: int) -> None:
        """Return once so many transactions of this PostgreSQL database wait for a lock."""
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with asyncio.timeout(20), self.engines.reading.connect() as connection:
            while (await connection.execute(waiting)).scalar_one() < count:
                pass

    async def check(self) -> None:
        """Positions and streams have no gaps, and every row is what its events make it."""
        log = await self.history()
        assert [event.position for event in log] == list(range(1, len(log) + 1))
        assert await self.store.head() == len(log)
        streams: defaultdict[str, list[RecordedEvent]] = defaultdict(list)
        for event in log:
            streams[event.stream].append(event)
        for stream, events in streams.items():
            assert [event.stream_version for event in events] == list(range(1, len(events) + 1))
            kind, _, id = stream.partition("-")
            happened = (event.event for event in events)
            assert await self.load(kind, UUID(id)) == reduce(AGGREGATES[kind].evolve, happened, None)
        check_that_orders_were_possible(log)


def check_that_orders_were_possible(log: Sequence[RecordedEvent]) -> None:
    """Read in order, every order is by a customer and of products, titles and prices of that moment."""
    states: dict[str, Any] = {}
    for recorded in log:
        match recorded.event:
            case order_events.OrderPlaced() as placed:
                buyer = states[f"customer-{placed.customer_id}"]
                assert (buyer.details is None) == (placed.personal is None), "both are forgotten, or neither"
                for line in placed.lines:
                    offered = states[f"product-{line.product_id}"]
                    assert not offered.discontinued
                    assert (line.title, line.unit_price) == (offered.name, offered.unit_price)
        kind = recorded.stream.partition("-")[0]
        states[recorded.stream] = AGGREGATES[kind].evolve(states.get(recorded.stream), recorded.event)


@asynccontextmanager
async def open_shop(url: str) -> AsyncIterator[Shop]:
    async with open_database(url) as engines, keys_of(url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        yield Shop(engines, store, _bus(store, keys.keyed), keys.keyed)


def _bus(store: SqlWriteStore, keyed: Callable[[str], str]) -> CommandBus:
    return CommandBus(
        store, HANDLERS, RULES, customers_of=CUSTOMERS_OF, committed=_nobody_listens, keyed=keyed
    )


def _nobody_listens(_receipt: Receipt, _actor: str) -> None: ...


def cause() -> Cause:
    id = uuid7()
    return Cause(command_id=id, correlation_id=id, actor="a test", at=datetime.now(UTC))


def made_by(receipt: Receipt) -> UUID:
    """The id of the aggregate that the command brought into being: its first event's."""
    return UUID(receipt.events[0].stream.partition("-")[2])
