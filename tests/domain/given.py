"""Given these events, when this command, then those events: the rules of a context without any store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from app.cqrs.commands.outcomes import CommandError, Decision, Path, Refused
from app.cqrs.messages import Command, Event

NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    decision: Decision

    def then(self, *events: Event) -> None:
        assert self.decision == events

    def then_nothing_happens(self) -> None:
        assert self.decision == ()

    def then_refused(self, *errors: type[CommandError], at: Path | None = None) -> list[CommandError]:
        """Refused for these kinds of reasons, the first of them `at` this place in the input."""
        assert isinstance(self.decision, Refused), self.decision
        assert [type(error) for error in self.decision.errors] == list(errors)
        assert all(error.message.endswith(".") for error in self.decision.errors)
        if at is not None:
            assert self.decision.errors[0].path == at
        return list(self.decision.errors)


@dataclass(frozen=True)
class Rules:
    """A context's rules: how events make a state, and what is decided on each command."""

    evolve: Callable[[Any, Event], Any]
    decide: Mapping[type[Command], Callable[[Any, Any, datetime], Decision]]

    def given(self, *events: Event) -> "Given":
        return Given(self, events)


@dataclass(frozen=True)
class Given:
    rules: Rules
    events: tuple[Event, ...]

    @property
    def state(self) -> Any:
        return reduce(self.rules.evolve, self.events, None)

    def when(self, command: Command) -> Outcome:
        return Outcome(self.rules.decide[type(command)](self.state, command, NOW))
