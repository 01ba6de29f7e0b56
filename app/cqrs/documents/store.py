"""The interface of document stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.cqrs.documents.read_model import Change, Collection, Document, Filter, ReadModel
from app.cqrs.impersonal import Impersonal
from app.cqrs.log.events import RecordedEvent

Sort = Sequence[tuple[str, int]]
"""Field paths, each with 1 for ascending or -1 for descending."""

Ranks = Sequence[tuple[int, Filter]]
"""The filters of ranks, each with its rank, in the order in which their documents come."""

Fields = tuple[str, ...] | None
"""The field paths to read of a document, in addition to its `_id`; `None` for all."""


class ChangeImpossible(Impersonal):
    """A change that the document store will never accept; the message says why."""


class ChangeTooLarge(ChangeImpossible):
    """A change to more documents than one transaction of the document store can hold."""


class CheckpointMoved(Impersonal):
    """Another process has projected into the same documents since the checkpoint was read."""


class DocumentsLost(Impersonal):
    """The loss of documents: a collection was dropped, replaced, or set back to an earlier state."""


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
    """True if the document was removed."""
    may_be_new: bool = False
    """True if the event may have added the document."""

    @property
    def document_position(self) -> tuple[int, str]:
        """The sort key of a read model's notices: position, then collection and id of the document."""
        return self.position, f"{self.collection}/{self.document_id}"


@dataclass(frozen=True)
class LogPoint:
    """An event's position in the log, and its id."""

    position: int
    event_id: UUID


@dataclass(frozen=True)
class Checkpoint:
    """The last event that was applied to a read model's documents."""

    position: int
    """The position of the event; 0 for a new read model."""
    event_id: UUID | None
    """The id of the event; `None` for a new read model."""
    older: tuple[LogPoint, ...] = ()
    """Some earlier events, newest first, which show how far the log was set back."""

    @property
    def points(self) -> tuple[LogPoint, ...]:
        """The event at the checkpoint, and the older ones."""
        return (LogPoint(self.position, self.event_id), *self.older) if self.event_id else self.older


class Finder(Protocol):
    """A store that finds documents; it raises `ReadStoreUnavailable` if it does not answer."""

    async def find(
        self,
        collection: Collection,
        filter: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Fields = None,
    ) -> list[Document]:
        """Return up to `limit` documents that match `filter`; all of them if `limit` is 0."""


class DocumentReader(Finder, Protocol):
    """All reads of documents; each raises `ReadStoreUnavailable` if the store does not answer."""

    async def get(
        self, collection: Collection, ids: Sequence[str], *, fields: Fields = None
    ) -> Mapping[str, Document]:
        """Return the documents with these ids, and perhaps others, by id; callers must not change them."""

    async def find_ranked(
        self,
        collection: Collection,
        ranks: Ranks,
        *,
        sort: Sort,
        limit: int,
        fields: Fields = None,
    ) -> list[Document]:
        """Return up to `limit` documents, rank after rank; each has its rank at the path `RELEVANCE`.

        Within a rank they are sorted by `sort`, in which `RELEVANCE` has no effect. No document matches the
        filters of two ranks.
        """

    async def count(self, collection: Collection, filter: Filter) -> int:
        """Return the number of documents that match `filter`."""

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]
    ) -> list[Document]:
        """Return the results of an aggregation pipeline over the collection."""


class DocumentWriter(Finder, Protocol):
    """All writes of documents; each raises `ReadStoreUnavailable` if the store does not answer."""

    async def prepare(self, model: ReadModel) -> None:
        """Create the read model's missing collections; raise `DocumentsLost`."""

    async def index(self, model: ReadModel) -> None:
        """Create the read model's missing indexes. Documents that are made first take less time to index."""

    async def clear(self, model: ReadModel) -> None:
        """Delete the read model's documents and checkpoint, which makes it rebuild from the log."""

    async def checkpoint(self, model: ReadModel) -> Checkpoint:
        """Return the last event that the documents contain; raise `DocumentsLost`."""

    async def apply(
        self,
        model: ReadModel,
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        since: int,
        start: int,
        end: RecordedEvent,
    ) -> list[DocumentChanged]:
        """Apply all `changes` and move the checkpoint from `start` to the event `end`, or do nothing.

        The stored checkpoint must be from `since` to `start`, both inclusive: no event in between changes a
        document. Returns the notices, in order; raises `CheckpointMoved` for any other checkpoint, and
        `ChangeImpossible`.
        """
