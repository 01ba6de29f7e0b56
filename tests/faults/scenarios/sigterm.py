"""The service is asked to stop while it is busy."""

import asyncio

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import open_shop

LIMIT = 5.0
"""Seconds in which it has stopped."""


@fault("sigterm", rounds=100, short=2)
async def sigterm(run: Run) -> None:
    """SIGTERM under load: the service stops within 5 s, and every reply that was sent is true."""
    async with open_shop(run) as shop:
        while run.goes_on():
            await asyncio.sleep(run.chance(run.done).uniform(0, 1))
            code, seconds = await shop.service.stop()
            run.measured("SIGTERM to the end", seconds, limit=LIMIT)
            if code:
                run.found(wrong(f"the service stopped with the exit code {code}"))
            await shop.start()
            await shop.check_lightly()
            run.done += 1
