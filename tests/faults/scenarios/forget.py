"""People are forgotten and an old log is sealed, and the service is killed while it does either."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from time import monotonic
from uuid import UUID, uuid4

from sqlalchemy import select, update

from app.cqrs.commands.bus import CommandBus
from app.cqrs.log.personal import ActorForgotten
from app.cqrs.messages import encode
from app.cqrs.viewers import Scope, Sight, Viewer
from app.declared import CUSTOMERS_OF, EVENTS, HANDLERS, RULES
from app.stores.sql.engines.opening import open_database
from app.stores.sql.transactions import commands, events
from app.stores.sql.write_store import SqlWriteStore
from schema.circle.ids import key_of
from tests.domain.wanted import product
from tests.faults.campaign import Run
from tests.faults.dying import POINTS_OF_FORGETTING
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import LONGEST_LAG, Shop, open_shop
from tests.faults.wishes import Wish
from tests.keys import keys_of

SHOP = 25
"""So many people are forgotten before everything is checked, and another shop opens."""

TRACE = "zephyrine"
"""Part of the name, the address and the reasons of each person who is forgotten."""


@fault("forget", rounds=100, short=3)
async def forget(run: Run) -> None:
    """kill -9 while somebody is forgotten, or an old log is sealed: nothing has a trace of them."""
    while run.goes_on():
        async with open_shop(run) as shop:
            for _ in range(min(SHOP, run.rounds - run.done)):
                await _Round(run, shop, run.chance(run.done)).live_through()
                run.done += 1
                if not run.goes_on():
                    break


class _Round:
    def __init__(self, run: Run, shop: Shop, chance: Random) -> None:
        self.run, self.shop, self.chance = run, shop, chance

    async def live_through(self) -> None:
        shop, chance, number = self.shop, self.chance, self.run.done
        # No change of the name: a rebuild, after the key is gone, would not repeat what it makes of orders.
        details = {"name": f"Zephyrine {number}", "email": f"{TRACE}{number}@example.org"}
        self.clerk = f"Zephyrine, clerk {number}"
        async with desk(shop.write_store) as (_, bus):
            await self._act(bus, Viewer(actor=self.clerk, scope=Scope(Sight.STAFF)))
            customer = (await shop.owner.wish(Wish("registerCustomer", details))).subjects[0]
            herself = Scope(Sight.STAFF, str(key_of("Customer", customer)))
            await self._act(bus, Viewer(actor=f"{TRACE}{number}", scope=herself))
        at_a_point = chance.random() < 0.5
        if at_a_point:
            await shop.service.kill()
            await shop.start(dying=chance.choice(sorted(POINTS_OF_FORGETTING)))
        wanted = Wish("forgetCustomer", {"customerId": customer, "despiteOpenOrders": True})
        forgetting = asyncio.create_task(shop.owner.wish(wanted))
        if at_a_point:
            try:
                await shop.service.ended()
            except TimeoutError:
                self.run.found(wrong("it was not killed while somebody was forgotten"))
        else:
            await asyncio.sleep(chance.uniform(0, 0.2))
        await shop.service.kill()
        if chance.random() < 0.5:
            await opened_up(shop.write_store)
            for _ in range(chance.randint(1, 3)):
                await shop.service.start()
                await asyncio.sleep(chance.uniform(0.5, 2))  # while it starts, or seals
                await shop.service.kill()
        await shop.start()
        await forgetting
        async with desk(shop.write_store) as (store, _):
            assert store.sealed
            async for _ in store.sealed.seal():  # as `forget --actor` does
                pass
            if len(await store.forget_actor(self.clerk, by="command line")) != 1:
                self.run.found(wrong(f"the clerk {number} is not one actor"))
            recorded = await store.read(after=0, limit=10_000_000)
            forgotten = {each.command_id for each in recorded if isinstance(each.event, ActorForgotten)}
            shop.journal.others |= forgotten
        await shop.caught_up()
        await self._is_nowhere(key_of("Customer", customer))
        said = shop.service.tracebacks()
        self.run.found(*(wrong(f"a traceback in {shop.service.log}: {each}") for each in said))

    async def _act(self, bus: CommandBus, viewer: Viewer) -> None:
        """Sends a command past the API, in which nobody has signed in."""
        id = uuid4()
        await bus.execute(product(sku=f"F-{id.hex[:12]}".upper()), viewer=viewer, command_id=id)
        self.shop.journal.others.add(id)

    async def _is_nowhere(self, person: UUID) -> None:
        """Waits until all is sealed; then no text has a trace, and the person has no key."""
        began = monotonic()
        async with open_database(self.shop.write_store) as engines, keys_of(self.shop.write_store) as keys:
            sealed = SqlWriteStore(engines, EVENTS, keys=keys).sealed
            assert sealed
            while await sealed.remaining():
                if monotonic() - began > LONGEST_LAG:
                    self.run.found(wrong("the log is not sealed"))
                    return
                await asyncio.sleep(0.05)
            self.run.measured("an old log until it is sealed", monotonic() - began)
            if await keys.of({person}) or person not in await keys.store.forgotten():
                self.run.found(wrong(f"{person} was forgotten, and has a key"))
            async with engines.reading.connect() as connection:
                stored = (await connection.execute(select(events))).all()
                inputs = (await connection.execute(select(commands.c.fingerprint))).scalars().all()
                senders = (await connection.execute(select(commands.c.actor))).scalars().all()
            named = await keys.store.actors_of([person])
        if named:
            self.run.found(wrong(f"{person} was forgotten, and has a name as an actor"))
        if TRACE in f"{senders} {[row.actor for row in stored]}".lower():
            self.run.found(wrong(f"an event or a command has an actor {TRACE}"))
        for row in stored:
            if TRACE.encode() in f"{row.data} ".lower().encode() + (row.sealed or b"").lower():
                self.run.found(wrong(f"{row.type} at position {row.position} names {TRACE}"))
        if plain := [each for each in inputs if len(each) == 64 and not each.startswith("k1:")]:
            self.run.found(wrong(f"{len(plain)} fingerprints of commands are not keyed"))


@asynccontextmanager
async def desk(url: str) -> AsyncIterator[tuple[SqlWriteStore, CommandBus]]:
    """The write store as a process beside the service has it, for people who have signed in."""
    async with open_database(url) as engines, keys_of(url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        yield (
            store,
            CommandBus(
                store,
                HANDLERS,
                RULES,
                customers_of=CUSTOMERS_OF,
                committed=lambda _receipt, _actor: None,
                keyed=keys.keyed,
            ),
        )


async def opened_up(url: str) -> None:
    """Makes the log one that an earlier version has written, with all that is known of people in the open."""
    async with open_database(url) as engines, keys_of(url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        recorded = await store.read(after=0, limit=10_000_000)
        plain = {each.position: encode(each.event) for each in recorded if each.event.personal_fields}
        clerks = {each.command_id: each.actor for each in recorded if each.actor.startswith("Zephyrine, ")}
        async with engines.writing.begin() as connection:
            for position, data in plain.items():
                row = update(events).where(events.c.position == position)
                await connection.execute(row.values(data=data, sealed=None, person=None))
            for id, name in clerks.items():
                for table in (events, commands):
                    of = update(table).where(table.c.command_id == id)
                    await connection.execute(of.values(actor=name))
        assert store.sealed
        await store.sealed.start_over()
