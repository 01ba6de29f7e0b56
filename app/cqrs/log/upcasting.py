"""Upcasters, which convert events that were stored in an earlier shape to the current one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Data = Mapping[str, Any]
"""An event's stored fields, which hold JSON values only."""

Shape = tuple[str, int]
"""The name and the schema version of an event type."""

Upcast = Callable[[Data], Data | Sequence[Data | None]]
"""A pure function from the old fields to the new ones; for a split event, to the fields of each new type."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step towards the current shape."""

    new: Sequence[Shape]
    upcast: Upcast


@dataclass
class Upcasters:
    """The steps from earlier shapes of a context's events."""

    steps: dict[Shape, Step] = field(default_factory=dict)

    def step(self, old: Shape, *new: Shape) -> Callable[[Upcast], Upcast]:
        """Return a decorator that registers the function from the old fields to the new ones.

        With several new shapes the event is split: the function returns the fields of each, or `None` for
        one that did not happen. Raises `ValueError` if `old` has a step already.
        """

        def declare(upcast: Upcast) -> Upcast:
            if old in self.steps:
                raise ValueError(f"{named(old)} has two upcasters: remove one")
            self.steps[old] = Step(new=new, upcast=upcast)
            return upcast

        return declare

    def add(self, others: "Upcasters") -> None:
        """Add the steps of another context."""
        for old, step in others.steps.items():
            self.step(old, *step.new)(step.upcast)

    def leads_to(self, name: str) -> Sequence[Upcast]:
        """Return the upcasters that take part in creating events of this type."""
        found = self._before(name)
        return [found[old] for old in sorted(found)]

    def earlier_names(self, name: str) -> set[str]:
        """Return the names under which events may be stored that this type, or a part of it, came from."""
        return {old for old, _ in self._before(name)}

    def _before(self, name: str) -> Mapping[Shape, Upcast]:
        wanted, found = {name}, dict[Shape, Upcast]()
        while more := {
            old: step.upcast
            for old, step in self.steps.items()
            if old not in found and any(new in wanted for new, _ in step.new)
        }:
            found |= more
            wanted |= {old for old, _ in more}
        return found

    def read(self, shape: Shape, data: Data) -> Iterator[tuple[str, Data]]:
        """Yield the name of the type and the fields of each event that an event in an old shape is now.

        Raises `UpcastFailed`.
        """
        step = self.steps.get(shape)
        if step is None:
            yield shape[0], data
            return
        try:
            made = step.upcast(data)
        except Exception as error:
            # The error's text may quote the data, which may be personal, and is left out.
            raise UpcastFailed(f"the upcaster of {named(shape)} raises {type(error).__name__}") from error
        several = [made] if isinstance(made, Mapping) else made
        if len(several) != len(step.new):
            raise UpcastFailed(f"the upcaster of {named(shape)} does not make {len(step.new)} events")
        for new, fields in zip(step.new, several, strict=True):
            if fields is not None:
                yield from self.read(new, fields)


class UpcastFailed(Exception):
    """A stored event that an upcaster can't read; the message says which upcaster."""


def named(shape: Shape) -> str:
    """Return a shape as text for messages."""
    name, version = shape
    return f"{name} in version {version}"
