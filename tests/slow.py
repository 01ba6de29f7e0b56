"""The tests that take too long for a run of every day, as the run that was measured last has noted them."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

NOTED = Path(__file__).with_name("slow.txt")
"""Files and functions, a line each; `scripts/test --most --note-slow` writes it anew."""

SLOW = 0.3
"""Seconds, with set-up and end, from which a test is slow; all its parameters are if one is."""


def noted() -> frozenset[str]:
    """The slow tests, without their parameters."""
    return frozenset(NOTED.read_text(encoding="utf-8").split()) if NOTED.exists() else frozenset()


def mark(items: Iterable[pytest.Item]) -> None:
    """Marks those tests as slow that were noted."""
    slow = noted()
    for item in items:
        if without_parameters(item.nodeid) in slow:
            item.add_marker("slow")


def note(reports: Iterable[pytest.TestReport]) -> None:
    """Notes the slow tests of a run."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        seconds[report.nodeid] += report.duration
    slow = {without_parameters(test) for test, took in seconds.items() if took >= SLOW}
    NOTED.write_text("".join(f"{test}\n" for test in sorted(slow)), encoding="utf-8")


def without_parameters(test: str) -> str:
    return test.partition("[")[0]
