"""The PostgreSQL server is gone for a while, again and again."""

import asyncio
from time import monotonic

from tests.faults.campaign import Run
from tests.faults.clients import RETRYABLE
from tests.faults.findings import wrong
from tests.faults.journal import Acknowledged, Unknown
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop
from tests.faults.wishes import Wish

DOWN, SHORTLY = 3.0, 0.5
"""Seconds that the server is down at most, in a campaign and in the short form."""

LIMIT = 5.0
"""Seconds in which everything has caught up once it is back, and in which any answer comes."""


@fault("postgres", rounds=10, short=2, stores=("postgres",))
async def postgres(run: Run) -> None:
    """PostgreSQL is killed and down for up to 3 s: commands may be sent again, queries go on."""
    assert run.server
    async with open_shop(run) as shop:
        opened = len(shop.journal.entries)
        while run.goes_on():
            chance = run.chance(run.done)
            await asyncio.sleep(chance.uniform(0, 1))
            await run.server.kill()
            up_again = asyncio.create_task(asyncio.sleep(chance.uniform(0, SHORTLY if run.short else DOWN)))
            await _query(run, shop)
            await _command(run, shop, up_again)
            await _query(run, shop)
            await up_again
            acknowledged = asyncio.create_task(shop.journal.next_acknowledgement())
            began = monotonic()
            await run.server.start()
            run.measured("PostgreSQL is back to the first command", await acknowledged - began, limit=LIMIT)
            run.measured("PostgreSQL is back to caught up", await shop.caught_up(), limit=LIMIT)
            await shop.check_lightly()
            run.done += 1
        check_failures(run, shop, opened)


async def _query(run: Run, shop: Shop) -> None:
    """Documents can be read all the time."""
    began = monotonic()
    answer = await shop.owner.ask("{ orders(first: 5) { nodes { id } } products { totalCount } }")
    run.measured("a query without PostgreSQL", monotonic() - began, limit=LIMIT)
    if answer.codes:
        run.found(wrong(f"without PostgreSQL a query was answered with {answer.errors}"))


async def _command(run: Run, shop: Shop, up_again: asyncio.Task[None]) -> None:
    """A command that is sent now fails; it is sent again until it does not."""
    buyer = shop.buyer("meanwhile", run.done)
    stock = {"productId": shop.known.products[0], "quantity": 1}
    entry = buyer.note(Wish("receiveStock", stock))
    began = monotonic()
    outcome = await buyer.send(entry, insist=False)
    run.measured("a command without PostgreSQL", monotonic() - began, limit=LIMIT)
    if isinstance(outcome, Acknowledged):
        run.notes.append("A command got through while the server was on its way out.")


def check_failures(run: Run, shop: Shop, opened: int) -> None:
    """The service ran all the time: each command that failed was told that it may be sent again.

    The first `opened` commands are those that were sent while the service was starting.
    """
    failures = [
        outcome
        for entry in list(shop.journal.entries.values())[opened:]
        for outcome in entry.outcomes
        if isinstance(outcome, Unknown)
    ]
    for failure in failures:
        if failure.why not in RETRYABLE:
            run.found(wrong(f"a command was answered with {failure}"))
    if not failures:
        run.found(wrong("no command failed: the fault was none"))
    run.notes.append(f"{len(failures):,} requests were answered with a retryable error")
