"""One run of one fault on one write store: its seed, its folder, and what it has come to."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.findings import Finding, Kind
from tests.faults.journal import Journal
from tests.postgres import Postgres

QUICK = 2.0
"""Seconds in which the first command should be acknowledged after a start, on a machine that is not busy."""


@dataclass(kw_only=True)
class Run:
    fault: str
    store: str
    seed: int
    rounds: int
    short: bool
    folder: Path
    server: Postgres | None = None
    """The PostgreSQL server, where that is the store."""

    done: int = 0
    """How many rounds are over."""
    seconds: float = 0.0
    sent: int = 0
    commands: int = 0
    acknowledged: int = 0
    starts: list[float] = field(default_factory=list)
    """Seconds from each start to the first acknowledged command."""
    figures: dict[str, list[float]] = field(default_factory=dict)
    """What else was measured, in seconds."""
    notes: list[str] = field(default_factory=list)
    """What else there is to know of the run."""
    findings: list[Finding] = field(default_factory=list)
    shops: int = 0

    def goes_on(self) -> bool:
        """Whether there is another round."""
        return self.done < self.rounds and not self.findings

    def end_early(self) -> None:
        """Makes the round that is under way the last one."""
        self.rounds = min(self.rounds, self.done + 1)

    def chance(self, *about: object) -> Random:
        """Random choices that the seed repeats."""
        return Random(repr((self.seed, self.fault, self.store, *about)))

    def found(self, *findings: Finding) -> None:
        """Notes what must not be, once; the run ends with the round."""
        self.findings += [finding for finding in dict.fromkeys(findings) if finding not in self.findings]

    def measured(self, what: str, seconds: float, *, limit: float | None = None) -> None:
        """Notes a figure; one beyond its limit is found."""
        self.figures.setdefault(what, []).append(seconds)
        if limit is not None and seconds > limit:
            self.found(Finding(Kind.WRONG, f"{what} took {seconds:.2f} s, more than {limit:g} s"))

    def count_in(self, journal: Journal) -> None:
        """Adds a shop's commands to the run's figures."""
        self.sent += journal.sent
        self.commands += len(journal.entries)
        self.acknowledged += len(journal.acknowledged)

    def count(self, kind: Kind) -> int:
        return sum(finding.kind is kind for finding in self.findings)

    @property
    def repeat(self) -> str:
        """The command that repeats it."""
        return (
            f"scripts/faults {self.fault} --store {self.store} --seed {self.seed} --rounds {self.rounds}"
            f"{' --short' if self.short else ''}"
        )
