"""Relay, bus, projectors, notices and listeners in a world of trouble; `world.run` says what must hold.

A failure names its seed: `python -m tests.simulation --seed SEED --rounds 1` shows it again.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.simulation.campaign import Tally, outcomes
from tests.simulation.loop import Life, VirtualLoop
from tests.simulation.world import run

SEEDS, RANGES = 200, 8


@pytest.mark.campaign
@pytest.mark.parametrize("first", range(1, SEEDS + 1, SEEDS // RANGES))
def test_whatever_happens_nothing_is_lost_and_nothing_doubled(first: int) -> None:
    tally = Tally()
    for outcome in outcomes(SEEDS // RANGES, first):
        tally.add(outcome)
    assert tally.seeds == SEEDS // RANGES
    for trouble in ("ambushed", "cut off", "died", "failed", "lagged", "refused", "reset", "rolled over"):
        assert tally.met[trouble], f"these seeds have not met what they are for: {trouble}"


def test_a_seed_has_one_history() -> None:
    assert run(7) == run(7)
    assert run(7).digest != run(8).digest


def test_the_history_does_not_depend_on_how_python_hashes() -> None:
    program = "from tests.simulation.world import run; print(run(7).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert digests == {run(7).digest}


def loop() -> VirtualLoop:
    return VirtualLoop(Random(1))  # type: ignore[abstract]  # no sockets, signals or threads


def test_an_hour_of_virtual_time_takes_none() -> None:
    virtual = loop()
    virtual.run(asyncio.sleep(3600), seconds=3601)
    assert 3600 <= virtual.time() < 3601
    assert virtual.steps < 10


def test_a_life_that_is_over_takes_no_further_step() -> None:
    virtual, life, steps = loop(), Life(), 0

    async def live() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0.01)

    async def history() -> None:
        virtual.spawn(live(), life)
        await asyncio.sleep(1)
        life.over = True
        before = steps
        await asyncio.sleep(1)
        assert before == steps > 90

    virtual.run(history(), seconds=10)


def test_who_waits_for_ever_is_found() -> None:
    async def history() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="everyone waits for everyone"):
        loop().run(history(), seconds=10)


def test_an_exception_that_nobody_hears_of_is_found() -> None:
    async def fails() -> None:
        raise OSError("unheard")

    async def history() -> None:
        forgotten = asyncio.create_task(fails())
        await asyncio.wait([forgotten])

    with pytest.raises(AssertionError, match="nobody heard of OSError"):
        loop().run(history(), seconds=10)
