"""Relay, bus and projectors in virtual time, in one thread, where all that happens is chosen by a seed."""

import asyncio

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import MEMORY, fault
from tests.simulation.campaign import Tally, outcomes
from tests.simulation.roles.world import RoleWorld
from tests.simulation.world import World


@fault("scheduler", rounds=10_000, short=0, stores=MEMORY)  # `tests/simulation` is its short form
async def scheduler(run: Run) -> None:
    """Random interleavings and crashes of relay, bus and projectors; each round is the next seed."""
    tally = Tally()
    await asyncio.to_thread(_seeds, run, tally)
    run.notes.append(str(tally))


@fault("roles", rounds=5_000, short=0, stores=MEMORY)
async def roles(run: Run) -> None:
    """The same with roles apart: leases, pauses, and a broker that loses and repeats messages."""
    tally = Tally()
    await asyncio.to_thread(_seeds, run, tally, RoleWorld)
    run.notes.append(str(tally))


def _seeds(run: Run, tally: Tally, kind: type[World] = World) -> None:
    try:
        for outcome in outcomes(run.rounds, run.seed, kind):
            tally.add(outcome)
            run.done += 1
    except AssertionError as failure:
        run.found(wrong(str(failure)))
