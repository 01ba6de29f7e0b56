"""Many seeds, one after the other."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.world import Outcome, World, run


@dataclass
class Tally:
    """What came of all seeds together."""

    seeds: int = 0
    steps: int = 0
    seconds: float = 0
    events: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Counts one seed in."""
        self.seeds += 1
        self.steps += outcome.steps
        self.seconds += outcome.seconds
        self.events += outcome.events
        self.met += outcome.met

    def __str__(self) -> str:
        met = ", ".join(f"{count:,} {what}" for what, count in sorted(self.met.items()))
        return (
            f"{self.seeds:,} seeds, 0 broken: {self.steps:,} steps in {self.seconds:,.0f} virtual seconds, "
            f"{self.events:,} events; {met}"
        )


def outcomes(seeds: int, first: int, kind: type[World] = World) -> Iterator[Outcome]:
    """The outcome of each of `seeds` seeds from `first` on; raises `AssertionError` at one that fails."""
    return (run(seed, kind) for seed in range(first, first + seeds))


def campaign(seeds: int, first: int, kind: type[World] = World) -> Tally:
    """Runs `seeds` seeds from `first` on; raises `AssertionError` at the first one that fails."""
    tally = Tally()
    for outcome in outcomes(seeds, first, kind):
        tally.add(outcome)
    return tally
