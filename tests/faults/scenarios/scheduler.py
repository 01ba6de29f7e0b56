"""Relay, bus and projectors in virtual time, in one thread, where all that happens is chosen by a seed."""

import asyncio

from tests.faults.campaign import Run
from tests.faults.findings import wrong
from tests.faults.registry import MEMORY, fault
from tests.simulation.campaign import Tally, outcomes


@fault("scheduler", rounds=10_000, short=0, stores=MEMORY)  # `tests/simulation` is its short form
async def scheduler(run: Run) -> None:
    """Random interleavings and crashes of relay, bus and projectors; each round is the next seed."""
    tally = Tally()
    await asyncio.to_thread(_seeds, run, tally)
    run.notes.append(str(tally))


def _seeds(run: Run, tally: Tally) -> None:
    try:
        for outcome in outcomes(run.rounds, run.seed):
            tally.add(outcome)
            run.done += 1
    except AssertionError as failure:
        run.found(wrong(str(failure)))
