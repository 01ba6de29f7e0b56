"""The commands that were carried out or refused, by type and outcome, and how long each took."""

from collections import defaultdict
from collections.abc import Iterable
from time import perf_counter

from app.cqrs.measured.durations import Durations


class MeasuredCommands:
    """The durations of commands until their outcome was known, by type and outcome."""

    def __init__(self) -> None:
        self.durations: defaultdict[tuple[str, str], Durations] = defaultdict(Durations)

    def add(self, commands: Iterable[tuple[str, str]], began: float) -> None:
        """Count commands, each with its type and outcome, that were sent when `perf_counter` was `began`."""
        took = perf_counter() - began
        for each in commands:
            self.durations[each].add(took)
