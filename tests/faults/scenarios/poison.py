"""An event that can't be read comes into the log, and for a while nobody mends it."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from decimal import Decimal
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from app.cqrs.messages import Command
from app.cqrs.projecting.applying import RETRIES
from app.domain.catalog.commands import AddProduct, ChangePrice
from app.domain.customers.commands import RegisterCustomer, UpdateCustomer
from app.domain.stock.commands import ReceiveStock
from schema.circle.consistency import ReadModelName
from schema.circle.ids import split_id
from tests.faults.campaign import Run
from tests.faults.clients import Client
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import CATCH_UP, Shop, open_shop
from tests.faults.tampering import EMPTY, NEWER, Poison, append_unknown, poison
from tests.faults.wishes import Wish

FRESHNESS = "{ freshness { readModel state position head eventsBehind millisecondsBehind reason } }"

READS = {
    "product_listing": "products(first: 1) { totalCount }",
    "order_details": 'order(id: "%s") { id }',
    "customer_overview": "customers(first: 1) { totalCount }",
    "order_list": "orders(first: 1) { totalCount }",
    "sales_by_day": "sales { total { orders } }",
    "activity": "activity(first: 1) { nodes { __typename } }",
}
"""A query for each read model."""

USERS = 3
"""Not so many that all read models are behind for want of a processor."""

LAG, LAG_OF_A_TEST = 1.0, 5.0
"""Seconds that the event may put the others behind, in a campaign and on a machine that runs other tests."""
AT_ONCE = 1.0
"""Seconds in which a query is told that it waits in vain: much less than it would wait."""
GIVEN_UP = 10.0
"""Seconds in which a read model has failed; the retries take 1.6 of them."""


@fault("poison", rounds=20, short=1)
async def poisoned(run: Run) -> None:
    """An event can't be read: who needs it fails and goes on after the cure; the others don't care."""
    async with open_shop(run, users=USERS) as shop:
        while run.goes_on():
            await _Round(run, shop).live_through()
            run.done += 1


class _Round:
    def __init__(self, run: Run, shop: Shop) -> None:
        self.run = run
        self.shop = shop
        self.chance = run.chance(run.done)
        self.cured = False

    async def live_through(self) -> None:
        run, shop, chance = self.run, self.shop, self.chance
        await shop.caught_up()
        await append_unknown(shop.write_store, shop.journal)
        command = _command(chance, shop, run.done)
        broken = await poison(shop.write_store, shop.journal, command, chance.choice((NEWER, EMPTY)))
        shop.failing = frozenset(map(_shown, broken.victims))
        watching = asyncio.create_task(self._watch(broken))
        await self._until_it_failed(broken)
        await self._ask(broken)
        await self._look(broken)
        if not run.short:
            await self._retry(broken, "FAILED again")
            await asyncio.sleep(chance.uniform(0, 1))
        await broken.cure(shop.write_store)
        self.cured = True
        await self._retry(broken, "was retried. It is ")
        run.measured("cure to caught up", await shop.caught_up(), limit=CATCH_UP)
        await watching
        shop.failing = frozenset()
        await shop.check_lightly()

    async def _watch(self, broken: Poison) -> None:
        """Who needs the event is never reported as fresh; the others are all the time."""
        client = Client(self.shop.service.url, self.shop.http, self.chance, self.run.found)
        worst = 0.0
        while not self.cured:
            for each in (await _freshness(client)).values():
                if each["readModel"] not in self.shop.failing:
                    worst = max(worst, each["millisecondsBehind"] / 1000)
                elif int(each["position"]) >= broken.event.position:
                    self.run.found(wrong(f"what can't be read was passed over: {each}"))
                elif each["state"] == "FAILED" and not (each["eventsBehind"] and each["millisecondsBehind"]):
                    self.run.found(wrong(f"what has failed is said to be fresh: {each}"))
            await asyncio.sleep(0.02)
        limit = LAG_OF_A_TEST if self.run.short else LAG
        self.run.measured("the others' lag", worst, limit=limit)

    async def _until_it_failed(self, broken: Poison) -> None:
        began = monotonic()
        while True:
            told = await _freshness(self.shop.owner)
            late = [told[name] for name in self.shop.failing if told[name]["state"] != "FAILED"]
            if not late:
                break
            if monotonic() - began > GIVEN_UP:
                self.run.found(wrong(f"these should have failed: {late}"))
                return
            await asyncio.sleep(0.02)
        for name in self.shop.failing:
            position, reason = int(told[name]["position"]), told[name]["reason"]
            if position != broken.event.position - 1 or not _names(reason, broken):
                self.run.found(wrong(f"{broken.event} can't be read, and this is said: {told[name]}"))
        said = self.shop.service.log.read_text()
        for victim in broken.victims:
            place = (
                f"position={broken.event.position} type={broken.event.type} event_id={broken.event.event_id}"
            )
            retries = said.count(f"and is retried: read_model={victim} {place} ")
            if retries != RETRIES:
                self.run.found(wrong(f"{victim} tried it {retries} times again"))

    async def _ask(self, broken: Poison) -> None:
        """Queries say what they can't show, at once; those that don't need it are answered."""
        stock = Wish("receiveStock", {"productId": self.shop.known.products[0], "quantity": 1})
        token = (await self.shop.owner.wish(stock)).receipt["token"]
        for name, read in READS.items():
            query = f"{{ {read % self.shop.known.orders[0] if '%s' in read else read} }}"
            began = monotonic()
            answer = await self.shop.owner.ask(query, token=token)
            if name not in broken.victims:
                if answer.codes:
                    self.run.found(wrong(f"{name} does not need it, and a query was told {answer.errors}"))
                continue
            self.run.measured("a query in vain", monotonic() - began, limit=AT_ONCE)
            told = [error["extensions"].get("freshness", {}).get("state") for error in answer.errors]
            if answer.codes != ("READ_MODEL_BEHIND",) or told != ["FAILED"]:
                self.run.found(wrong(f"{name} has failed, and a query was answered with {answer}"))
            old = await self.shop.owner.ask(query)
            [fresh] = old.extensions["freshness"]
            if old.codes or fresh["state"] != "FAILED" or not _names(fresh["reason"], broken):
                self.run.found(wrong(f"{name} has failed, and a query without a token was told {old}"))

    async def _look(self, broken: Poison) -> None:
        """The operator sees it on the command line."""
        said = (await self._projections("status")).splitlines()
        for victim in broken.victims:
            [line] = [line for line in said if line.startswith(victim)] or [""]
            if "FAILED" not in line or not _names(line, broken):
                self.run.found(wrong(f"of {victim}, which has failed, `projections` says: {line!r}"))

    async def _retry(self, broken: Poison, expected: str) -> None:
        said = await self._projections("retry", *broken.victims)
        for victim in broken.victims:
            if f"{victim} {expected}" not in said:
                self.run.found(wrong(f"`projections retry {victim}` says: {said}"))

    async def _projections(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "projections", *arguments, "--url", self.shop.owner.url),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env={**os.environ, "COLUMNS": "1000"},
        )
        said, _ = await process.communicate()
        return said.decode()


async def _freshness(client: Client) -> dict[str, dict[str, Any]]:
    answer = await client.ask(FRESHNESS)
    return {each["readModel"]: each for each in (answer.data or {})["freshness"]}


def _names(reason: str, broken: Poison) -> bool:
    """Whether the reason says which event it is, and what is wrong with it."""
    event = broken.event
    return f"{event.type} at position {event.position} can't be applied (EventUnreadable)" in reason


def _shown(read_model: str) -> str:
    return ReadModelName(read_model).name


def _command(chance: Random, shop: Shop, number: int) -> Command:
    """One that nothing stands against, and that not every read model needs to hear of."""
    product, customer = (UUID(split_id(id)[1]) for id in (shop.known.products[0], shop.known.customers[0]))
    price = Decimal(chance.randint(10_000, 99_999)) / 100  # no user asks so much
    commands: list[Command] = [
        AddProduct(sku=f"POISON-{number}", name="Poison", category="Tea", unit_price=price),
        ChangePrice(product_id=product, unit_price=price),
        ReceiveStock(product_id=product, quantity=1),
        RegisterCustomer(name="Poisoner"),
        UpdateCustomer(customer_id=customer, name=f"Poisoner {number}"),
    ]
    return chance.choice(commands)
