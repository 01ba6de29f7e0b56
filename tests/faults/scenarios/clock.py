"""The service's wall clock is set anew while it is busy."""

import asyncio
from uuid import UUID

from tests.faults.campaign import Run
from tests.faults.clients import Client, Lost
from tests.faults.findings import wrong
from tests.faults.journal import Acknowledged
from tests.faults.jumping import CLOCK, Clock
from tests.faults.registry import fault
from tests.faults.shop import Shop, open_shop
from tests.faults.wishes import Wish

HOUR, DAY = 3600.0, 86_400.0
JUMPS = (-HOUR, DAY, 0.0)
"""By how many seconds the clock is wrong, one after the other."""

FRESHNESS = "{ freshness { readModel state position head eventsBehind millisecondsBehind } }"


@fault("clock", rounds=30, short=3)
async def clock(run: Run) -> None:
    """The clock jumps an hour back, a day ahead, and back again: order, tokens and cursors don't care."""
    file = run.folder / "clock"
    clock = Clock(file)
    clock.jump(0)
    async with open_shop(run, program="tests.faults.jumping", settings={CLOCK: str(file)}) as shop:
        reading = asyncio.create_task(_keep_reading(run, shop))
        while run.goes_on():
            await _round(run, shop, clock)
            run.done += 1
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await shop.close()
        await shop.caught_up()
        for wrong_by in JUMPS:
            clock.jump(wrong_by)
            await _at_rest(run, shop)
        clock.jump(run.chance("in the end").choice(JUMPS))


async def _round(run: Run, shop: Shop, clock: Clock) -> None:
    """A jump while a command is on its way: sent again, it is the one that it was."""
    chance = run.chance(run.done)
    buyer = shop.buyer("jump", run.done)
    wish = Wish("receiveStock", {"productId": shop.known.products[0], "quantity": 1})
    await asyncio.sleep(chance.uniform(0, 0.5))
    before = buyer.note(wish)
    await buyer.send(before)
    under_way = buyer.note(wish, at_once=True)
    sending = asyncio.create_task(buyer.send(under_way))
    await asyncio.sleep(0)
    clock.jump(JUMPS[run.done % len(JUMPS)])
    for entry in (before, under_way):
        outcome = await buyer.send(entry)
        if isinstance(outcome, Acknowledged):
            await buyer.look_at(outcome)
        else:
            run.found(wrong(f"{wish} was answered with {outcome}"))
    await sending
    _check_the_clock(run, clock, (await buyer.wish(wish)).receipt["events"][0]["eventId"])
    run.measured("a jump to caught up", await shop.caught_up(), limit=5.0)
    await shop.check_lightly()


def _check_the_clock(run: Run, clock: Clock, event_id: str) -> None:
    """The service's clock is as wrong as it should be: an id begins with its time."""
    milliseconds = UUID(event_id).int >> 80
    if abs(milliseconds / 1000 - clock.time()) > HOUR / 2:
        run.found(wrong(f"the clock did not jump: the id {event_id} is not of {clock.time():.0f}"))


async def _keep_reading(run: Run, shop: Shop) -> None:
    """Freshness makes sense all the time, and positions only ever rise."""
    client = Client(shop.service.url, shop.http, run.chance("reading"), run.found)
    last: dict[str, int] = {}
    while True:
        try:
            answer = await client.ask(FRESHNESS)
        except Lost as lost:
            run.found(wrong(f"the service did not answer: {lost}"))
            return
        for each in (answer.data or {"freshness": ()})["freshness"]:
            name, position, behind = each["readModel"], int(each["position"]), each["eventsBehind"]
            if position < last.get(name, 0):
                run.found(wrong(f"{name} went back from {last[name]} to {position}"))
            last[name] = position
            late = each["millisecondsBehind"]
            if late < 0 or behind != int(each["head"]) - position or (late and not behind):
                run.found(wrong(f"freshness makes no sense: {each}"))
        await asyncio.sleep(0.01)


async def _at_rest(run: Run, shop: Shop) -> None:
    """Where nothing happens, nothing is behind, whatever the time."""
    answer = await shop.owner.ask(FRESHNESS)
    for each in (answer.data or {})["freshness"]:
        if (each["state"], each["eventsBehind"], each["millisecondsBehind"]) != ("LIVE", 0, 0):
            run.found(wrong(f"at rest, a read model is not fresh: {each}"))
