"""The short form of every fault; `scripts/faults` runs the long one."""

from pathlib import Path

import pytest

from tests.faults.__main__ import carry_out
from tests.faults.campaign import Run
from tests.faults.registry import all_faults
from tests.faults.report import reported

SEED = 1

# On a slow machine each start of the service takes several seconds.
pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("name", "store"),
    [(fault.name, store) for fault in all_faults().values() if fault.short for store in fault.stores],
)
async def test_nothing_is_lost_or_doubled(name: str, store: str, tmp_path: Path) -> None:
    fault = all_faults()[name]
    folder = tmp_path / "run"
    run = Run(fault=name, store=store, seed=SEED, rounds=fault.short, short=True, folder=folder)
    await carry_out(fault, run)
    assert run.findings == [], reported(run)
    assert run.done == fault.short
