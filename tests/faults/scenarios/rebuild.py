"""A read model is rebuilt under load, and the service is killed while it is."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from random import Random
from signal import SIGKILL
from time import monotonic
from typing import Any

from pymongo import AsyncMongoClient

from app.read_models.product_listing import product_listing
from app.stores.mongo.embedded.mongod import any_mongod
from schema.circle.consistency import ReadModelName
from schema.circle.ids import split_id
from tests.builders import builders
from tests.faults.campaign import Run
from tests.faults.checks.documents import LIVE
from tests.faults.clients import Lost
from tests.faults.dying import POINTS_OF_REBUILDS, POINTS_OF_REPAIRS
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import LONGEST_LAG, Shop, open_shop

SHOP = 25
"""So many times a shop's service is killed before everything is checked, and another shop opens."""

OVER = ("SWITCHED", "FINISHED", "ABORTED", "ROLLED_BACK")
PROGRESS = "{ rebuildProgress { readModel state position head reason } }"
BEGIN = """mutation { rebuildReadModel(input: {readModel: %s, keepSeconds: %d, verify: %s}) {
    errors { message } } }"""
REPAIR = """mutation { rebuildReadModel(input: {readModel: PRODUCT_LISTING, documentId: "%s"}) {
    documents { isDone differing } errors { message } } }"""
OTHER = "mutation { %s(input: {readModel: %s}) { errors { message } } }"


@fault("rebuild", rounds=200, short=4)
async def rebuild(run: Run) -> None:
    """kill -9 while a read model is rebuilt: it goes on or is as before, and no document differs."""
    while run.goes_on():
        # In some shops each rebuild has a process of its own, however few its events are.
        apart = run.chance("apart", run.done).choice("01")
        async with open_shop(run, settings={"BUILD_APART_EVENTS": apart}) as shop:
            for _ in range(min(SHOP, run.rounds - run.done)):
                await _Round(run, shop, run.chance(run.done)).live_through()
                run.done += 1
                if not run.goes_on():
                    break


async def spoil(data_dir: Path, product: str) -> None:
    """Gives a product's document another name and price behind the service's back, where it serves.

    Former documents, which a rollback may have serve again, are not made anew.
    """
    spoilt = {"$set": {"name": "spoilt", "price.amount": 1}}
    async with any_mongod(data_dir) as url:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
        async with client:
            record = await client[LIVE]["generations"].find_one({"_id": {"$regex": "^product_listing_"}})
            serving = record["serving"] if record else product_listing.key
            spoiling = await client[LIVE][serving].update_one({"_id": product}, spoilt)
            assert spoiling.matched_count == 1, f"{serving} has no document {product}"


class _Round:
    def __init__(self, run: Run, shop: Shop, chance: Random) -> None:
        self.run, self.shop, self.chance = run, shop, chance
        self.model = chance.choice(ReadModelName.all()).name

    async def live_through(self) -> None:
        chance, shop = self.chance, self.shop
        points = chance.random()
        if chance.random() < 0.2:
            await self._repair()
        elif points < 0.4:  # It kills itself at the switch, or in one of the transactions before.
            await shop.service.kill()
            point, call = chance.choice(sorted(POINTS_OF_REBUILDS)), 1
            if points < 0.15:
                point, call = "inside the transaction of the documents", chance.randint(5, 60)
            await shop.start(dying=point, at=call)
            await self._begin()
            try:
                await shop.service.ended()
            except TimeoutError:
                self.run.found(wrong(f"it never came to call {call} {point}"))
        else:
            await self._begin()
            await asyncio.sleep(chance.uniform(0, 0.5))
            if points > 0.9:
                await self._send("abortRebuild")
            for each in builders(shop.service.process.pid):
                if chance.random() < 0.3:  # Then the service goes on, if it is not killed, too.
                    with suppress(ProcessLookupError):
                        os.kill(each, SIGKILL)
            if chance.random() < 0.8:
                await shop.service.kill()
        if not shop.service.runs:
            await shop.start()
        await self._ends()
        if chance.random() < 0.3:
            await self._send("rollBackReadModel")
        if chance.random() < 0.3:
            await shop.service.kill()
            await shop.start()
        await shop.caught_up()
        await shop.check_lightly()
        said = shop.service.tracebacks()
        self.run.found(*(wrong(f"a traceback in {shop.service.log}: {each}") for each in said))

    async def _repair(self) -> None:
        """Spoils a document, has it made anew, kills the service meanwhile, and has it made anew again."""
        shop, product = self.shop, split_id(self.chance.choice(self.shop.known.products))[1]
        await shop.service.kill()
        await shop.start(dying=self.chance.choice(sorted(POINTS_OF_REPAIRS)))
        await shop.caught_up()
        await spoil(shop.service.data_dir, product)
        await self._ask(REPAIR % product)
        try:
            await shop.service.ended()
        except TimeoutError:
            self.run.found(wrong("it was not killed while a document was made anew"))
        await shop.start()
        await shop.caught_up()
        made = await self._ask(REPAIR % product)
        if made["rebuildReadModel"]["errors"] or not made["rebuildReadModel"]["documents"]["isDone"]:
            self.run.found(wrong(f"a document is not made anew: {made}"))

    async def _begin(self) -> None:
        keep, verify = self.chance.choice((0, 3600)), self.chance.choice(("false", "true"))
        await self._ask(BEGIN % (self.model, keep, verify))

    async def _send(self, mutation: str) -> None:
        """Sends it, whether it can be done or not: a rebuild may have ended a moment ago."""
        await self._ask(OTHER % (mutation, self.model))

    async def _ask(self, text: str) -> Any:
        while True:
            try:
                answer = await self.shop.owner.ask(text)
            except Lost:
                if not self.shop.service.runs:
                    return None  # It has killed itself, before or after that.
                await asyncio.sleep(0.05)
                continue
            if not answer.codes:
                return answer.data

    async def _ends(self) -> None:
        """Waits for the end of the rebuild, if the service has heard of it before it was killed."""
        began = monotonic()
        while True:
            found = (await self._ask(PROGRESS) or {"rebuildProgress": []})["rebuildProgress"]
            states = {each["readModel"]: each for each in found}
            late = [each for each in states.values() if each["state"] not in OVER]
            if not late:
                self.run.measured(
                    "killed in a rebuild to its end", monotonic() - self.shop.service.started_at
                )
                return
            if bad := [each for each in late if each["state"] in ("FAILED", "DIFFERENT")]:
                self.run.found(wrong(f"a rebuild does not go on: {bad}"))
                return
            if monotonic() - began > LONGEST_LAG:
                self.run.found(wrong(f"a rebuild does not end: {late}"))
                return
            await asyncio.sleep(0.05)
