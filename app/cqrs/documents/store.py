"""What the generic part needs of a document store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.cqrs.documents.read_model import Change, Collection, Document, Filter, ReadModel
from app.cqrs.impersonal import Impersonal
from app.cqrs.log.events import RecordedEvent

Sort = Sequence[tuple[str, int]]
"""Field paths, each with 1 for ascending or -1 for descending."""

Fields = tuple[str, ...] | None
"""The field paths that are wanted of a document, beside its `_id`; `None` for all there are."""


class ChangeImpossible(Impersonal):
    """A change that the document store can't make, however often it is asked; the message says why."""


class ChangeTooLarge(ChangeImpossible):
    """A change of more documents than the document store can change in one transaction."""


class CheckpointMoved(Impersonal):
    """Someone else has projected into the same documents since the checkpoint was read."""


class DocumentsLost(Impersonal):
    """A collection that had documents is gone, or another one by the same name, or is as it was before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentChanged:
    """The notice that a document has a new state."""

    read_model: str
    collection: str
    document_id: str
    position: int
    event_type: str
    fields: tuple[str, ...]
    about: str | None
    deleted: bool = False
    """Whether there is no such document any more."""

    @property
    def place(self) -> tuple[int, str]:
        """Orders all notices of a read model: by position, and within one event by document."""
        return self.position, f"{self.collection}/{self.document_id}"


@dataclass(frozen=True)
class LogPoint:
    """An event, and its place in the log."""

    position: int
    event_id: UUID


@dataclass(frozen=True)
class Checkpoint:
    """The last event that is in a read model's documents."""

    position: int
    """0 for a new read model."""
    event_id: UUID | None
    """`None` for a new read model."""
    older: tuple[LogPoint, ...] = ()
    """Some of the last events before it, newest first: they tell how far back a log was set."""

    @property
    def points(self) -> tuple[LogPoint, ...]:
        """The event at the checkpoint, and the older ones."""
        return (LogPoint(self.position, self.event_id), *self.older) if self.event_id else self.older


class Finder(Protocol):
    """Finds documents; raises `ReadStoreUnavailable` where the store does not answer."""

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        """Documents that fit `filter`; all of them where `limit` is 0."""


class DocumentReader(Finder, Protocol):
    """All that is asked of documents; raises `ReadStoreUnavailable` where the store does not answer."""

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """The documents with these ids by their ids, and perhaps others; shared, so change none."""

    async def count(self, collection: Collection, filter: Filter) -> int:
        """How many documents fit `filter`."""

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """What an aggregation pipeline over the collection gives."""


class DocumentWriter(Finder, Protocol):
    """Applies what projectors ask for; raises `ReadStoreUnavailable` where the store does not answer."""

    async def prepare(self, model: ReadModel) -> None:
        """Make the read model's collections and indexes where they are missing; raise `DocumentsLost`."""

    async def clear(self, model: ReadModel) -> None:
        """Forget the read model's documents and checkpoint, so that it is rebuilt from the log."""

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return up to where the documents are complete; raise `DocumentsLost`."""

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Makes all `changes` and moves the checkpoint from `start` to the event `end`, or does nothing.

        The checkpoint may be behind `start`, down to `since`, for in between no event changes a document.
        Returns the notices, in order; raises `CheckpointMoved` where it is elsewhere, and `ChangeImpossible`.
        """
