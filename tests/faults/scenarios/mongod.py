"""The read store is gone for a while."""

import asyncio

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import open_shop

DOWN, SHORTLY = 10.0, 2.0
"""Seconds that mongod is down, in a campaign and in the short form."""

LIMIT = 5.0
"""Seconds in which everything has caught up once it is back."""


@fault("mongod", rounds=20, short=2)
async def mongod(run: Run) -> None:
    """mongod is killed and down for 10 s: commands go on, queries say so, all catches up within 5 s."""
    async with open_shop(run, own_mongod=True) as shop:
        assert shop.mongod
        while run.goes_on():
            await asyncio.sleep(run.chance(run.done).uniform(0, 1))
            await shop.mongod.kill()
            before = len(shop.journal.acknowledged)
            await asyncio.sleep(SHORTLY if run.short else DOWN)
            meanwhile = len(shop.journal.acknowledged) - before
            if not meanwhile:
                run.found(wrong("no command was acknowledged while mongod was down"))
            await shop.mongod.start()
            run.measured("mongod is back to caught up", await shop.caught_up(), limit=LIMIT)
            await shop.check_lightly()
            run.done += 1
