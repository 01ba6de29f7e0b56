"""Several processes on one machine, and everything that can happen to each of them and to their engines."""

import asyncio
from statistics import median
from time import monotonic

from tests.faults.campaign import Run
from tests.faults.clustered.shop import ClusterShop, open_cluster_shop
from tests.faults.clustered.troubles import TROUBLES, Blow
from tests.faults.registry import CLUSTER, fault
from tests.faults.shop import READ_ALL
from tests.faults.wishes import Wish

SHOP = 50
"""So many troubles a cluster lives through before everything is checked, and another one is started."""

LONGEST_TROUBLE = 300.0
"""Seconds until a trouble must be over; the longest one starts all processes one after the other."""

LIMIT = 60.0
"""Seconds from the beginning of a trouble until a new command is shown; they include pauses and restarts."""


@fault("cluster", rounds=500, short=3, stores=CLUSTER)
async def cluster(run: Run) -> None:
    """kill, pause and stop of each process and engine, lost streams, torn leases, subscribers that hop."""
    names = _in_turn(run)
    while run.goes_on():
        async with open_cluster_shop(run) as shop:
            for _ in range(min(SHOP, run.rounds - run.done)):
                await _round(run, shop, names[run.done])
                run.done += 1
                if not run.goes_on():
                    break
    for what, figures in sorted(run.figures.items()):
        if " to shown" in what:
            run.notes.append(f"{what}: median {median(figures):.2f} s of {len(figures)}")


def _in_turn(run: Run) -> list[str]:
    """Return the trouble of each round: all in an order of the seed's, then all in another one."""
    names: list[str] = []
    while len(names) < run.rounds:
        shuffled = sorted(TROUBLES)
        run.chance("order", len(names)).shuffle(shuffled)
        names += shuffled
    return names


async def _round(run: Run, shop: ClusterShop, name: str) -> None:
    chance = run.chance(run.done)
    await asyncio.sleep(chance.uniform(0, 1))
    blow = Blow(shop.cluster, chance, run.short)
    making = asyncio.create_task(TROUBLES[name](blow))
    making.add_done_callback(lambda _: blow.struck.set())
    try:
        async with asyncio.timeout(LONGEST_TROUBLE):
            # Troubles that do not say when they have struck are measured from their end.
            await blow.struck.wait()
            began = monotonic()
            await _own_write(run, shop)
            run.measured(f"{name} to shown", monotonic() - began, limit=LIMIT)
            await making
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
    await shop.all_ready()
    run.measured("all is well to caught up", await shop.caught_up())
    await shop.check_lightly()
    tracebacks = shop.service.tracebacks()
    assert not tracebacks, tracebacks


async def _own_write(run: Run, shop: ClusterShop) -> None:
    """Send a command until it is acknowledged, and read until it is shown."""
    buyer = shop.buyer("measuring", run.done)
    sent = await buyer.wish(Wish("receiveStock", {"productId": shop.known.products[0], "quantity": 1}))
    token, order = sent.receipt["token"], shop.known.orders[0]
    while (await buyer.ask(READ_ALL % order, token=token)).codes:
        pass
