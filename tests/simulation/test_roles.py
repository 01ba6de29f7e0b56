"""The same rules with roles apart: leases, pauses, and a broker that loses, repeats and goes away.

A failure names its seed: `python -m tests.simulation --roles --seed SEED --rounds 1` shows it again.
"""

import pytest

from tests.simulation.campaign import Tally, outcomes
from tests.simulation.roles.world import RoleWorld
from tests.simulation.world import run

SEEDS, RANGES = 200, 5

TROUBLES = (
    *("ambushed", "cut off", "died", "failed", "rolled over", "paused", "leases torn"),
    *("lost message", "repeated message", "slow broker", "broker down", "broker's store lost"),
)
CONSEQUENCES = ("lease taken", "lagged", "reset", "refused")


@pytest.mark.campaign
@pytest.mark.parametrize("first", range(1, SEEDS + 1, SEEDS // RANGES))
def test_whatever_happens_nothing_is_lost_and_nothing_doubled(first: int) -> None:
    tally = Tally()
    for outcome in outcomes(SEEDS // RANGES, first, RoleWorld):
        tally.add(outcome)
    assert tally.seeds == SEEDS // RANGES
    for met in (*TROUBLES, *CONSEQUENCES):
        assert tally.met[met], f"these seeds have not met what they are for: {met}"


def test_a_seed_has_one_history() -> None:
    assert run(7, RoleWorld) == run(7, RoleWorld)
    assert run(7, RoleWorld).digest != run(8, RoleWorld).digest


@pytest.mark.parametrize("seed", [77, 110, 1426, 1439])
def test_seeds_that_have_found_a_fault_find_none_any_more(seed: int) -> None:
    run(seed, RoleWorld)
