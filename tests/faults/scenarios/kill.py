"""The service is killed without a warning."""

import asyncio
from random import Random

from tests.faults.campaign import Run
from tests.faults.dying import POINTS
from tests.faults.findings import wrong
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop

SHOP = 50
"""So many times a shop's service is killed before everything is checked, and another shop opens."""


@fault("kill", rounds=1000, short=6)
async def kill(run: Run) -> None:
    """kill -9 of the service, at random moments and at named points."""
    size = min(SHOP, -(-run.rounds // 2))
    while run.goes_on():
        # Every other shop's mongod is the service's own child, and dies with it.
        async with open_shop(run, own_mongod=run.shops % 2 == 1) as shop:
            await shop.service.kill()
            for _ in range(min(size, run.rounds - run.done)):
                await _round(run, shop, run.chance(run.done))
                run.done += 1
                if not run.goes_on():
                    break
            await shop.start()


async def _round(run: Run, shop: Shop, chance: Random) -> None:
    if chance.random() < 0.5:
        point, call = chance.choice(sorted(POINTS)), chance.randint(1, 60)
        await shop.start(dying=point, at=call)
        try:
            await shop.service.ended()
        except TimeoutError:
            run.found(wrong(f"it never came to call {call} {point}"))
    elif chance.random() < 0.2:
        await shop.service.start()
        await asyncio.sleep(chance.uniform(0, 1.5))  # while it starts, more or less
    else:
        await shop.start()
        await shop.check_lightly()
        await asyncio.sleep(chance.uniform(0, 1))
    await shop.service.kill()
    run.found(*(wrong(f"a traceback in {shop.service.log}: {t}") for t in shop.service.tracebacks()))
