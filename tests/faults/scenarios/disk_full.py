"""The disk of the write store is full for a while."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from time import monotonic

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.journal import Unknown
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop
from tests.faults.small_disk import FileSystem, SmallDisk, small_disk
from tests.faults.wishes import Wish
from tests.postgres import Postgres, postgres

FULL = "disk is full"
DOWN = "does not answer"

SHOP = 5
"""So many times a shop's disk gets full before everything is checked, and another shop opens."""

LEFT = 60_000
"""Bytes at most that are free when the load has to fill the rest."""

LAST_FOR, SHORTLY = 3.0, 0.5
"""Seconds at most that there is no room, in a campaign and in the short form."""

PATIENCE, LIMIT = 30.0, 5.0
"""Seconds in which the disk should be full, and in which all goes on when there is room again."""


@fault("disk-full", rounds=20, short=1)
async def disk_full(run: Run) -> None:
    """The write store's disk fills up under load: clear errors, and all goes on when there is room."""
    said: Counter[str] = Counter()
    while run.goes_on():
        async with AsyncExitStack() as opened:
            disk = await opened.enter_async_context(small_disk())
            server = None
            url = f"sqlite+aiosqlite:///{disk.path}/write.db"
            if run.server:
                server = await opened.enter_async_context(postgres(durable=True, data=disk.path / "data"))
                url = await server.database()
            async with open_shop(run, write_store=url) as shop:
                for _ in range(min(SHOP, run.rounds - run.done)):
                    said += await _round(run, shop, disk, server)
                    run.done += 1
                    if not run.goes_on():
                        break
    run.notes.append(f"{disk.how}; {', '.join(f'{n:,} times it said: {what}' for what, n in said.items())}")


async def _round(run: Run, shop: Shop, disk: SmallDisk, server: Postgres | None) -> Counter[str]:
    chance = run.chance(run.done)
    first = len(shop.journal.entries)
    await asyncio.sleep(chance.uniform(0, 0.5))
    writer = (server.process if server else None) or shop.service.process
    disk.fill(writer.pid, leaving=chance.randrange(LEFT))
    try:
        await _until_it_is_full(run, shop)
        await asyncio.sleep(chance.uniform(0, SHORTLY if run.short else LAST_FOR))
        await _query(run, shop)
    finally:
        disk.make_room(writer.pid)
    acknowledged = asyncio.create_task(shop.journal.next_acknowledgement())
    began = monotonic()
    if server:
        await server.start()  # where it has given up
    run.measured("room again to the first command", await acknowledged - began, limit=LIMIT)
    run.measured("room again to caught up", await shop.caught_up(), limit=LIMIT)
    await shop.check_lightly()
    entries = list(shop.journal.entries.values())[first:]
    failures = [each for entry in entries for each in entry.outcomes if isinstance(each, Unknown)]
    for failure in failures:
        if failure.why != "WRITE_STORE_UNAVAILABLE" or not (FULL in failure.said or DOWN in failure.said):
            run.found(wrong(f"a command was answered with {failure}"))
    said = Counter(FULL if FULL in failure.said else DOWN for failure in failures)
    # PostgreSQL may not live through it, and a small file is not a full disk.
    if FULL not in said and not server and isinstance(disk, FileSystem):
        run.found(wrong(f"of {len(failures)} failures none said that there is no room"))
    return said


async def _until_it_is_full(run: Run, shop: Shop) -> None:
    buyer = shop.buyer("meanwhile", run.done)
    stock = Wish("receiveStock", {"productId": shop.known.products[0], "quantity": 1})
    began = monotonic()
    while not isinstance(await buyer.send(buyer.note(stock), insist=False), Unknown):
        if monotonic() - began > PATIENCE:
            run.found(wrong(f"after {PATIENCE:g} s of writing the disk was not full"))
            return


async def _query(run: Run, shop: Shop) -> None:
    answer = await shop.owner.ask("{ orders(first: 5) { nodes { id } } products { totalCount } }")
    if answer.codes:
        run.found(wrong(f"with a full disk a query was answered with {answer.errors}"))
