"""Whatever can be asked is asked, beside those who only want to buy something."""

import asyncio
from contextlib import AsyncExitStack
from random import Random
from time import monotonic

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.hostile.attacks import Attack, all_attacks
from tests.faults.hostile.heavy import OPERATIONS, sent
from tests.faults.hostile.honest import CONSTANT, Honest, honest_clients, p99
from tests.faults.hostile.slow import hold
from tests.faults.hostile.target import LIMIT, Reply, Target, open_target
from tests.faults.process import open_files, resident_mb
from tests.faults.registry import fault

WORKERS, OF_EACH = 8, 13
"""Who attack at the same time, and what each of them sends in a round: a hundred requests together."""

ALONE, ALONE_SHORTLY = 10.0, 1.0
"""Seconds in which the honest are watched before anybody else comes."""

LIMIT_OF_A_TEST = 0.25
"""Seconds for which a step may hold the loop in the short form, which runs beside all other tests: where a
processor is shared so, the same work takes more of its time.
"""

TIMES_SLOWER = 5
"""How many times the p99 of the honest alone theirs may be beside the attacks."""

CACHES_MB = 1.5 * 64
"""Megabytes above rest that are the caches' in the end."""

SETTLED = 3.0
"""Seconds until all that was cut off is forgotten."""


@fault("hostile", rounds=200, short=2, stores=("sqlite",))
async def hostile(run: Run) -> None:
    """Hostile HTTP, sockets and event streams beside honest users: no fault, no hang, nobody waits long."""
    size = {"customers": 100, "orders": 3_000, "tokens": 1_200}
    if run.short:
        size = {"customers": 40, "orders": 160}
    async with open_target(run, settings=None, **size) as target:
        attacks = all_attacks()
        async with AsyncExitStack() as opened:
            honest = await opened.enter_async_context(honest_clients(target))
            await honest.at_work()
            began = monotonic()
            await asyncio.sleep(ALONE_SHORTLY if run.short else ALONE)
            alone = monotonic()
            rest, files = resident_mb(target.service.process.pid), open_files(target.service.process.pid)
            slow = None if run.short else asyncio.create_task(hold(target))
            await _one_by_one(target)
            peak = rest
            while run.done < run.rounds:
                await _round(target, attacks)
                run.done += 1
                peak = max(peak, resident_mb(target.service.process.pid))
            if slow:
                await slow
            over = monotonic()
        await asyncio.sleep(SETTLED)
        _look_at_the_honest(run, honest, began, alone, over)
        after = resident_mb(target.service.process.pid)
        open_still = open_files(target.service.process.pid) - files
        run.notes.append(
            f"memory: {rest:.0f} MB at rest, {peak:.0f} at most, {after:.0f} afterwards; "
            f"{open_still:+d} open files"
        )
        if not run.short and after - rest > CACHES_MB:
            run.found(wrong(f"memory is {after - rest:.0f} MB above rest, more than {CACHES_MB:g}"))
        await _look_at_the_loop(target)


async def _one_by_one(target: Target) -> None:
    """Measures each heavy operation by itself."""
    for name in OPERATIONS:
        await target.held(anew=True)
        began = monotonic()
        reply = await sent(target, target.run.chance("alone", name), name)
        figures = await target.held(anew=True)
        target.run.notes.append(
            f"{name}: {_told(reply)} after {monotonic() - began:.2f} s, "
            f"the loop was held for {figures['longestMs']:.0f} ms"
            + (f" at {figures['places'][0]['at']}" if figures["places"] else "")
        )
        limit = _limit(target.run)
        if figures["longestMs"] > limit * 1000:
            target.complain(name, f"it holds the loop for more than {limit * 1000:g} ms")


def _limit(run: Run) -> float:
    return LIMIT_OF_A_TEST if run.short else LIMIT


def _told(reply: Reply | None) -> str:
    if reply is None:
        return "no answer"
    return " ".join(sorted(reply.codes)) or f"an answer of {len(reply.body) / 1000:,.0f} kB"


async def _round(target: Target, attacks: list[Attack]) -> None:
    async def attack_on(chance: Random) -> None:
        for attack in chance.choices(attacks, [attack.weight for attack in attacks], k=OF_EACH):
            await attack.act(target, chance)

    async with asyncio.TaskGroup() as workers:
        for worker in range(WORKERS):
            workers.create_task(attack_on(target.run.chance(target.run.done, worker)))


def _look_at_the_honest(run: Run, honest: Honest, began: float, alone: float, over: float) -> None:
    without, beside = honest.samples(began, alone), honest.samples(alone, over)
    for kind in ("read", "write", CONSTANT):
        usual, now = p99(without, kind), p99(beside, kind)
        what = "a request to another process" if kind == CONSTANT else f"an honest {kind}"
        run.notes.append(
            f"p99 of {what}: {usual * 1000:.0f} ms alone, {now * 1000:.0f} ms beside the attacks "
            f"({now / usual if usual else 0:.1f} times)"
        )
        if kind != CONSTANT and not run.short and now > TIMES_SLOWER * usual:
            run.found(wrong(f"an honest {kind} takes more than {TIMES_SLOWER} times as long (p99)"))
    run.commands += sum(sample.kind == "write" for sample in without + beside)
    run.acknowledged += sum(sample.kind == "write" and not sample.fault for sample in without + beside)
    run.found(*(wrong(f"an honest {each.kind} got {each.fault}") for each in without + beside if each.fault))


async def _look_at_the_loop(target: Target) -> None:
    figures = await target.held()
    longest = figures["longestMs"] / 1000
    target.run.notes.append(f"the loop was held longer than {LIMIT * 1000:g} ms {figures['times']} times")
    target.run.measured("longest stretch of the loop", longest, limit=_limit(target.run))
    for place in figures["places"]:
        target.run.notes.append(
            f"the loop was held {place['times']} times, {place['longestMs']:.0f} ms at most, by "
            f"{place['running']} at {place['at']}"
        )
