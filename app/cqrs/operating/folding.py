"""The states that events make of aggregates, to be compared with those in the rows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.cqrs.commands.aggregates import Aggregate, UnitOfWork, stream
from app.cqrs.impersonal import outline
from app.cqrs.log.events import RecordedEvent, UnknownEvent, UnreadableEvent

States = dict[str, Any]
"""The states of aggregates, by their streams."""


class Folding:
    """Folds events, in the order of the log, into the states of their aggregates."""

    def __init__(self, aggregates: Iterable[Aggregate[Any, Any]]) -> None:
        self._kinds = {each.kind: each for each in aggregates}
        self.states: States = {}
        self.left_out = set[str]()
        """The streams with events that only a newer program knows, or that can't be read."""
        self._impossible: dict[str, str] = {}
        """The streams whose events make no sense one after the other, with the reason."""

    def take(self, recorded: RecordedEvent) -> None:
        """Apply an event."""
        name = recorded.stream
        kind = self._kinds.get(name.partition("-")[0])
        if name in self._impossible or name in self.left_out:
            return
        for part in recorded.parts:
            if isinstance(part.event, UnknownEvent | UnreadableEvent):
                self.left_out.add(name)
                self.states.pop(name, None)
                return
            if kind is None:  # Such as a decision of an operator, which has no row.
                return
            try:
                self.states[name] = kind.evolve(self.states.get(name), part.event)
            except Exception as error:
                self._impossible[name] = f"{part.type} at position {part.position}: {outline(error)}"
                return

    def differences(self, rows: Mapping[str, Any]) -> Iterator[str]:
        """Yield a clause for each aggregate whose state in the rows is another one, without its values."""
        for name in sorted({*self.states, *self._impossible, *rows} - self.left_out):
            if name in self._impossible:
                yield f"{name} has an event that can't follow the one before ({self._impossible[name]})"
                continue
            by_events, in_rows = self.states.get(name), rows.get(name)
            if by_events == in_rows:
                continue
            if by_events is None:
                yield f"{name} has a row and no events"
            elif in_rows is None:
                yield f"{name} has events and no row"
            else:
                yield f"{name} differs in {', '.join(sorted(_differing(by_events, in_rows)))}"


async def states_in_rows(work: UnitOfWork, aggregates: Iterable[Aggregate[Any, Any]]) -> States:
    """Return the states of all aggregates as their rows have them, read in one transaction."""
    return {
        stream(each.kind, id): await each.load(work, id)
        for each in aggregates
        if each.ids
        for id in await each.ids(work)
    }


def _differing(one: object, other: object) -> Iterator[str]:
    """Yield the names of the fields with other values."""
    mine, theirs = vars(one), vars(other)
    for name in {*mine, *theirs}:
        if mine.get(name) != theirs.get(name):
            yield name
