"""Read models: their collections of documents, and the changes that each event makes to them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from app.cqrs.documents.audiences import NOBODY, Audience
from app.cqrs.documents.days import Days
from app.cqrs.documents.document_ids import Key, document_id
from app.cqrs.documents.generations import Generation
from app.cqrs.fingerprints import fingerprint
from app.cqrs.log.events import EventTypes, EventUnreadable, RecordedEvent, UnreadableEvent
from app.cqrs.messages import Event

Document = dict[str, Any]
Filter = Mapping[str, Any]
Update = Mapping[str, Any]
"""A document store's update: operators such as `$set`, `$inc` and `$push`, each over field paths."""

RELEVANCE = "relevance"
"""The path of the order in which documents come as they fit a search: the rank of each, 0 for the best. It is
found out while they are read, and no document has it."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Collection:
    """One kind of document of a read model. Its methods return changes, which the projector applies.

    Every changed document gets the event's `position`. `about` is the subject of a change, such as a
    customer's id, for listeners that follow a subject rather than one document.
    """

    read_model: str
    name: str
    """The name, which is the same in every generation of the read model."""
    indexes: Sequence[Sequence[str]] = ()
    """The indexes, each a list of field paths; a leading `-` means descending."""
    part: str = ""
    """The part of the name that distinguishes several collections of a read model."""
    # Documents do not depend on it: it has no part in the fingerprint of the functions that write them.
    seen_by: Audience = field(default=NOBODY, repr=False, compare=False)
    """The viewers who may see the documents."""
    model: "ReadModel | None" = field(default=None, repr=False, compare=False)

    @property
    def stored_as(self) -> str:
        """The name in the document store, in which each generation has its own collections."""
        if self.model is None:
            return self.name
        return f"{self.model.key}_{self.part}" if self.part else self.model.key

    def put(self, id: Key, document: Document, *, about: object = None) -> "Change":
        """Insert the document, or replace it as a whole."""
        return Change(self, id=document_id(id), document=document, about=about)

    def update(
        self,
        id: Key,
        update: Update,
        *,
        array_filters: Sequence[Filter] = (),
        known: Mapping[str, str] | None = None,
        about: object = None,
    ) -> "Change":
        """Change the document with this id.

        `array_filters` select the items of a list in a path such as `lines.$[line].quantity`: here the items
        that match `{"line.sku": "TEA"}`. `known` are texts that the document has, before and after, by their
        paths: answers that show only documents with other texts are not made stale.
        """
        return Change(
            self,
            id=document_id(id),
            update=update,
            array_filters=tuple(array_filters),
            known=known,
            about=about,
        )

    def upsert(self, id: Key, update: Update, *, about: object = None) -> "Change":
        """Change the document with this id; insert it if there is none."""
        return Change(self, id=document_id(id), update=update, upsert=True, about=about)

    def update_where(
        self,
        filter: Filter,
        update: Update,
        *,
        array_filters: Sequence[Filter] = (),
        about: object = None,
    ) -> "Change":
        """Change every document that matches `filter`, which needs an index; see `update`."""
        return Change(self, where=filter, update=update, array_filters=tuple(array_filters), about=about)

    def delete(self, id: Key, *, about: object = None) -> "Change":
        """Remove the document with this id, if it exists.

        Listeners to all changes receive a notice, and a read by its key finds nothing. Subscribers to the
        document receive no further state, and a listener that resumes later receives no notice of it. If that
        matters, `put` a document that is marked as deleted.
        """
        return Change(self, id=document_id(id), delete=True, about=about)

    def delete_where(self, filter: Filter, *, about: object = None) -> "Change":
        """Remove every document that matches `filter`, which needs an index."""
        return Change(self, where=filter, delete=True, about=about)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change to the documents of a collection."""

    collection: Collection = field(kw_only=False)
    id: str | None = None
    where: Filter | None = None
    document: Document | None = None
    update: Update | None = None
    array_filters: Sequence[Filter] = ()
    upsert: bool = False
    delete: bool = False
    known: Mapping[str, str] | None = None
    about: object = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The top-level fields that change, sorted; empty for a removal."""
        paths = self.document or [path for fields in (self.update or {}).values() for path in fields]
        return tuple(sorted({path.partition(".")[0] for path in paths}))


Projection = Callable[..., Iterable[Change]]
"""A function from an event and its record to changes; some also take the shop's days."""


class ReadModel:
    """Documents for one kind of question, and the pure functions from events to changes of these.

    Programs whose functions, indexes or events differ keep separate documents: two of them on one store never
    overwrite each other's documents. `description` is the sentence that clients read. Raise `version` by hand
    to rebuild the documents when no code has changed. `also_reads` are the fingerprints of earlier code whose
    documents the queries can read as well: these serve after an update, until the own ones are built.
    """

    def __init__(
        self, name: str, *, description: str = "", version: int = 1, also_reads: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.description = description
        self.version, self.also_reads = version, also_reads
        self.impersonal = False
        """True if no document has personal data, though events do that it answers; declare it."""
        self.collections: list[Collection] = []
        self.days = Days()
        """The shop's days, on which the documents depend if a function takes them."""
        self._by_day: set[Projection] = set()
        self._projections: dict[type[Event], Projection] = {}
        self._types: EventTypes | None = None
        self._fingerprint: str | None = None
        self._generation: Generation | None = None
        self._own: Mapping[str, Collection] = {}
        """The collections of a copy, by name: its functions name those of the original."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of all that determines the documents: functions, indexes, and types of events."""
        if self._fingerprint is None:
            types = self._types or EventTypes()
            upcasts = dict.fromkeys(upcast for each in self._known() for upcast in types.upcasts_to(each))
            answered = sorted(self._projections, key=lambda event_type: event_type.__name__)
            self._fingerprint = fingerprint(
                [*(self._projections[each] for each in answered), *upcasts],
                also=(
                    self.version,
                    sorted((each.part, [list(paths) for paths in each.indexes]) for each in self.collections),
                    [event_type.__name__ for event_type in answered],
                    sorted(self.types.items()),
                    *([self.days] if self._by_day else []),
                ),
            )
        return self._fingerprint

    @property
    def generation(self) -> Generation:
        """The generation of the documents, the first one of this code unless this is a copy: see `of`."""
        if self._generation is None:
            self._generation = Generation(self.name, self.fingerprint)
        return self._generation

    @property
    def key(self) -> str:
        """The name with its generation, as the store knows it."""
        return self.generation.key

    @property
    def answers(self) -> Sequence[type[Event]]:
        """The types of events that have their own function; `Event` stands for all others."""
        return tuple(self._projections)

    @property
    def projections(self) -> Sequence[Projection]:
        """The functions from events to changes."""
        return tuple(self._projections.values())

    @property
    def types(self) -> Mapping[str, int]:
        """The types of events that the documents depend on, each with its version."""
        return {each.__name__: each.schema_version for each in self._known()}

    def _known(self) -> Sequence[type[Event]]:
        known = self._types if self._types and Event in self._projections else self._projections
        return [each for each in known if each is not Event]

    def learn(self, types: EventTypes) -> None:
        """Set the registry of all event types, which determines the generation if it answers every event."""
        self._types = types
        self._fingerprint = self._generation = None

    def collection(
        self, part: str = "", *, seen_by: Audience = NOBODY, indexes: Sequence[Sequence[str]] = ()
    ) -> Collection:
        """Declare and return a collection of this read model; `part` distinguishes several of them.

        `seen_by` declares the viewers who may see its documents. Without it nobody may, and the service does
        not start.
        """
        name = f"{self.name}_{part}" if part else self.name
        if any(other.name == name for other in self.collections):
            raise ValueError(f"{self.name} has two collections called {name}: give one another `part`")
        collection = Collection(self.name, name, indexes, part, seen_by=seen_by, model=self)
        self.collections.append(collection)
        self._fingerprint = self._generation = None
        return collection

    def on(
        self, event_type: type[E]
    ) -> Callable[[Callable[[E, RecordedEvent], Iterable[Change]]], Projection]:
        """Return a decorator that registers the function from an event of this type to changes."""

        def declare(projection: Callable[[E, RecordedEvent], Iterable[Change]]) -> Projection:
            if event_type in self._projections:
                raise ValueError(
                    f"{self.name} answers {event_type.__name__} twice: remove one of the functions"
                )
            self._projections[event_type] = projection
            self._fingerprint = self._generation = None
            return projection

        return declare

    def on_by_day(
        self, event_type: type[E]
    ) -> Callable[[Callable[[E, RecordedEvent, Days], Iterable[Change]]], Projection]:
        """Return the same decorator for a function that also takes the shop's days."""

        def declare(projection: Callable[[E, RecordedEvent, Days], Iterable[Change]]) -> Projection:
            self._by_day.add(projection)
            register: Callable[[Projection], Projection] = self.on(event_type)
            return register(projection)

        return declare

    def in_days(self, days: Days) -> "ReadModel":
        """Return the same read model for a shop with these days, which has documents of its own.

        It is the read model itself if no function takes the days, or if they are the same.
        """
        if not self._by_day or days == self.days:
            return self
        return self._copy(days)

    def of(self, generation: Generation) -> "ReadModel":
        """Return the same read model with the documents of another generation."""
        if generation == self.generation:
            return self
        return self._copy(self.days, generation)

    def _copy(self, days: Days, generation: Generation | None = None) -> "ReadModel":
        other = ReadModel(self.name, description=self.description, version=self.version)
        other.also_reads, other.impersonal = self.also_reads, self.impersonal
        other.days, other._by_day = days, self._by_day
        other._projections, other._types = self._projections, self._types
        other.collections = [replace(each, model=other) for each in self.collections]
        other._own = {each.name: each for each in other.collections}
        other._generation = generation
        other._fingerprint = generation.fingerprint if generation else None
        return other

    def on_any(self, projection: Callable[[Event, RecordedEvent], Iterable[Change]]) -> Projection:
        """Register the function for every event whose type has no function of its own."""
        return self.on(Event)(projection)

    def changes(self, recorded: RecordedEvent) -> list[Change]:
        """Return the changes for `recorded`, one of its own `parts`; none if its type is not answered.

        Raises `EventUnreadable` if the read model needs the event and it can't be read.
        """
        event = recorded.event
        if isinstance(event, UnreadableEvent) and self._needs(event.of):
            raise EventUnreadable(event.reason)
        projection = self._projections.get(type(recorded.event)) or self._projections.get(Event)
        days = (self.days,) if projection in self._by_day else ()
        changes = projection(recorded.event, recorded, *days) if projection else ()
        if not self._own:
            return list(changes)
        return [replace(change, collection=self._own[change.collection.name]) for change in changes]

    def _needs(self, event_type: type[Event]) -> bool:
        return event_type is Event or not self._projections.keys().isdisjoint({event_type, Event})
