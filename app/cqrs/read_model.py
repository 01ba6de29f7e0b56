"""Read models: which documents there are, and how each event changes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from app.cqrs.events import RecordedEvent, UnreadableEvent
from app.cqrs.messages import Event

Document = dict[str, Any]
Filter = Mapping[str, Any]
Update = Mapping[str, Any]
"""A document store's update: operators such as `$set`, `$inc` and `$push`, each over field paths."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Collection:
    """One kind of document of a read model. Its methods say how an event changes it; they do nothing yet.

    Every changed document gets the event's `position`. `about` names whom or what a change concerns, for
    listeners who follow that rather than one document.
    """

    read_model: str
    name: str
    indexes: Sequence[Sequence[str]] = ()
    """Each a list of field paths; a leading `-` means descending."""

    def put(self, id: object, document: Document, *, about: object = None) -> "Change":
        """The whole document, new or instead of the one before."""
        return Change(self, id=str(id), document=document, about=about)

    def update(self, id: object, update: Update, *, about: object = None) -> "Change":
        """Changes the document with this id."""
        return Change(self, id=str(id), update=update, about=about)

    def upsert(self, id: object, update: Update, *, about: object = None) -> "Change":
        """Changes the document with this id, which is made where there is none."""
        return Change(self, id=str(id), update=update, upsert=True, about=about)

    def update_where(self, filter: Filter, update: Update, *, about: object = None) -> "Change":
        """Changes every document that fits `filter` (which needs an index)."""
        return Change(self, where=filter, update=update, about=about)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of one collection, as a projector asks for it."""

    collection: Collection = field(kw_only=False)
    id: str | None = None
    where: Filter | None = None
    document: Document | None = None
    update: Update | None = None
    upsert: bool = False
    about: object = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The top-level fields that change, sorted."""
        paths = self.document or [path for fields in (self.update or {}).values() for path in fields]
        return tuple(sorted({path.partition(".")[0] for path in paths}))


Projection = Callable[[Any, RecordedEvent], Iterable[Change]]


def plain(value: Any) -> Any:
    """A value as documents hold it: dataclasses as objects, ids as text, decimals and times as they are."""
    return msgspec.to_builtins(value, builtin_types=(datetime, Decimal))


class ReadModel:
    """Documents that answer one question, and the pure functions from events to their changes.

    `version` is part of the collections' names: a new version is built beside the one that serves.
    """

    def __init__(self, name: str, *, version: int = 1) -> None:
        self.name = name
        self.version = version
        self.collections: list[Collection] = []
        self._projections: dict[type[Event], Projection] = {}

    @property
    def key(self) -> str:
        """The name with its version, as the store knows it."""
        return f"{self.name}_v{self.version}"

    def collection(self, part: str = "", *, indexes: Sequence[Sequence[str]] = ()) -> Collection:
        """Declares a collection of this read model; `part` tells several of them apart."""
        collection = Collection(self.name, f"{self.key}_{part}" if part else self.key, indexes)
        self.collections.append(collection)
        return collection

    def on(
        self, event_type: type[E]
    ) -> Callable[[Callable[[E, RecordedEvent], Iterable[Change]]], Projection]:
        """Declares the function that answers an event of this type with changes."""

        def declare(projection: Callable[[E, RecordedEvent], Iterable[Change]]) -> Projection:
            if event_type in self._projections:
                raise ValueError(f"{self.name} answers {event_type.__name__} twice")
            self._projections[event_type] = projection
            return projection

        return declare

    def on_any(self, projection: Callable[[Event, RecordedEvent], Iterable[Change]]) -> Projection:
        """Declares the function that answers every event which has none of its own."""
        return self.on(Event)(projection)

    def changes(self, recorded: RecordedEvent) -> list[Change]:
        """What `recorded` changes; nothing where the read model does not care.

        Raises `ValueError` where it does, and the event can't be read.
        """
        event = recorded.event
        if isinstance(event, UnreadableEvent) and {event.of, Event} & self._projections.keys():
            raise ValueError(event.reason)
        projection = self._projections.get(type(recorded.event)) or self._projections.get(Event)
        return list(projection(recorded.event, recorded)) if projection else []
