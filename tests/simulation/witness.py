"""Who sees everything: notes what happens, and ends the run at the first thing that must not be."""

import hashlib
from collections import Counter

from tests.simulation.loop import VirtualLoop


class Witness:
    """The trace of one run. What it notes depends on the seed and on nothing else."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._trace: list[tuple[object, ...]] = []
        self.met: Counter[str] = Counter()
        """How often each thing happened."""

    def saw(self, what: str, *details: object) -> None:
        self.met[what] += 1
        self._trace.append((f"{self._loop.time():10.6f}", self._loop.steps, what, *details))

    def check(self, holds: bool, rule: str) -> None:
        """Whoever may catch what is raised here: the run fails."""
        if not holds:
            broken = AssertionError(f"broken: {rule}")
            self._loop.fail(broken)
            raise broken

    def digest(self) -> str:
        return hashlib.sha256("\n".join(self._lines()).encode()).hexdigest()

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self._lines()[-lines:])

    def _lines(self) -> list[str]:
        return [" ".join(str(part) for part in line) for line in self._trace]
