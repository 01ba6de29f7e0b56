"""The way of every command: load, decide, save the rows, record the events."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from app.cqrs.commands.outcomes import Decision, Refused, VersionConflict, not_found, refused
from app.cqrs.message_fields import id_field
from app.cqrs.messages import Command, Event


class UnitOfWork(Protocol):
    """One transaction of the write store: rows and events together, or neither."""

    @property
    def now(self) -> datetime:
        """The time of the command, UTC; the same for all that happens in it."""

    def record(self, stream: str, version: int, events: Sequence[Event]) -> None:
        """Record `events` on `stream`, whose version was `version`, when the work is committed."""


class State(Protocol):
    """The identity and the version of an aggregate."""

    @property
    def id(self) -> UUID:
        """The aggregate's identity."""

    @property
    def version(self) -> int:
        """The number of its events."""


S = TypeVar("S", bound=State)
W = TypeVar("W", bound=UnitOfWork)


Change = Callable[[Any, W], Awaitable[Refused | S]]
"""A handler of commands that change an aggregate."""


@dataclass(frozen=True, kw_only=True)
class Aggregate(Generic[S, W]):
    """One kind of aggregate: its pure model, and how its rows are loaded and saved."""

    kind: str
    """The name of the kind, with which the names of its streams begin."""
    evolve: Callable[[S | None, Event], S]
    load: Callable[[W, UUID], Awaitable[S | None]]
    save: Callable[[W, S | None, S], Awaitable[None]]
    customer_of: Callable[[W, UUID], Awaitable[UUID | None]] | None = None
    """A function from an id to the id of the customer to whom the aggregate belongs; `None` without owners.

    It must not wait for locks: a foreign viewer would see that somebody works on the aggregate.
    """
    ids: Callable[[W], Awaitable[Collection[UUID]]] | None = None
    """Returns the ids of all aggregates that have rows, so that checks find those without events."""
    identified_by: str = ""
    """The kind of aggregate whose ids it shares, if any: stock has the ids of products."""

    async def create(self, work: W, id: UUID, decision: Decision) -> Refused | S:
        """Carry out the decision that creates an aggregate; return its state."""
        if isinstance(decision, Refused):
            return decision
        return await self._apply(work, id, None, decision)

    async def change(
        self, work: W, command: Command, decide: Callable[[S, Any, datetime], Decision]
    ) -> Refused | S:
        """Decide on `command` and carry it out; return the new state.

        The command's field that is marked `Id(kind)` says which aggregate it is. Refuses what does not
        exist, and a version other than the command's `expected_version`.
        """
        field = self._id_field(command)
        id: UUID = getattr(command, field)
        before = await self.load(work, id)
        if before is None:
            return refused(not_found(self.kind, id, field))
        if refusal := self._version_conflict(before, command):
            return refusal
        decision = decide(before, command, work.now)
        if isinstance(decision, Refused):
            return decision
        return await self._apply(work, id, before, decision)

    def changed_by(self, decide: Callable[[S, Any, datetime], Decision]) -> Change[W, S]:
        """Return the handler of a command that only `decide` decides on."""

        async def handle(command: Command, work: W) -> Refused | S:
            return await self.change(work, command, decide)

        return handle

    async def _apply(self, work: W, id: UUID, before: S | None, events: tuple[Event, ...]) -> S:
        after = reduce(self.evolve, events, before)
        if after is None:
            raise ValueError(f"no event brought {self.kind} {id} into being")
        if events:
            await self.save(work, before, after)
            work.record(stream(self.kind, id), before.version if before else 0, events)
        return after

    def _id_field(self, command: Command) -> str:
        kind = self.identified_by or self.kind
        if field := id_field(type(command), kind):
            return field
        name = type(command).__name__
        raise TypeError(f'{name} names no {kind}: mark the field that does, as Annotated[UUID, Id("{kind}")]')

    def _version_conflict(self, state: S, command: Command) -> Refused | None:
        expected = getattr(command, "expected_version", None)
        if expected is None or expected == state.version:
            return None
        message = f"This {self.kind} is at version {state.version}, not {expected}. Read it again."
        return refused(
            VersionConflict(message=message, current_version=state.version, path=("expected_version",))
        )


def stream(kind: str, id: UUID) -> str:
    """Return the name of an aggregate's stream, such as `order-<id>`."""
    return f"{kind}-{id}"
