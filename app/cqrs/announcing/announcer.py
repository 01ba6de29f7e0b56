"""Announcements of changed documents, in the only order that keeps every reader consistent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from app.cqrs.announcing.telling import Telling
from app.cqrs.documents.read_model import Change, Collection
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.events import RecordedEvent
from app.cqrs.measured.durations import Durations
from app.cqrs.measured.tracing import Tracing
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.recent_changes import ChangeWithIds

_UNTRACED = nullcontext()


@dataclass(frozen=True, kw_only=True)
class Recipients:
    """All who are told of changes. Documents that nobody reads yet have a progress and nobody else."""

    progress: Progress
    notices: Notices | None
    cache: ReadCache
    lists: ConcernedLists
    telling: Telling | None
    """The telling to other processes; `None` if nobody else reads the documents."""
    tracing: Tracing | None
    transactions: Durations = field(default_factory=Durations)


class Announcer:
    """Announces the changes of one read model to the cache, to lists, to waiting reads, and to subscribers.

    Before a transaction, the cache drops the answers that it will make stale: the documents may show the
    change before the store has answered, and a client that has seen it must not receive the older answer
    again. After the transaction, the concerned lists are stale before the position is reached: whoever waited
    for it and then follows a list is not shown the page before the change. The position is reached before
    the notices go out: a subscriber that reads because of a notice finds the change without waiting for it.

    A projector feeds it. In a process that does not project, a `Hearer` does, with what a projector has told.
    """

    def __init__(
        self,
        documents: str,
        *,
        progress: Progress,
        notices: Notices | None,
        cache: ReadCache,
        lists: ConcernedLists,
        telling: Telling | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """Announce changes of `documents`, a generation; without `notices`, there are no subscribers."""
        self._documents, self._read_model = documents, progress.read_model
        self.recipients = Recipients(
            progress=progress, notices=notices, cache=cache, lists=lists, telling=telling, tracing=tracing
        )

    @property
    def progress(self) -> Progress:
        """The progress of the documents, on which reads wait if these documents are read."""
        return self.recipients.progress

    @property
    def transactions(self) -> Durations:
        """The transactions that have changed documents."""
        return self.recipients.transactions

    @property
    def answers_are_kept(self) -> bool:
        """True if there may be cached answers or lists, so that affected documents are worth finding."""
        recipients = self.recipients
        kept = len(recipients.cache) > 0 or recipients.lists.follow(self._read_model)
        return (kept or recipients.telling is not None) and self.progress.state is ReadModelState.LIVE

    def exchange(self, other: "Announcer") -> None:
        """Exchange the recipients with those of another generation; no transaction is in progress in either.

        The recipients learn that all documents may be others now, at the position that they have reached.
        """
        self.recipients, other.recipients = other.recipients, self.recipients
        # The progress that reads wait for goes on where these documents are.
        before, after = self.progress.standing, other.progress.standing
        self.progress.continue_at(after)
        other.progress.continue_at(before)
        for each in (self, other):
            each.begin_anew(each.progress.position, log_set_back=True)

    def started(self, position: int, *, gapless: bool, log_set_back: bool) -> None:
        """Announce that the documents are complete up to `position`, with no transaction in progress.

        `gapless` means that all changes up to there were announced; `log_set_back` means that the log has
        lost announced events.
        """
        if gapless:
            self._tell_beginning(position, gapless=True, log_set_back=log_set_back)
            self.recipients.cache.settled(self._read_model)
            self.recipients.lists.settled(self._read_model, gapless=True, log_set_back=log_set_back)
        else:
            self.begin_anew(position, log_set_back=log_set_back)
        self.progress.reached(position)

    def begin_anew(self, position: int, *, log_set_back: bool) -> None:
        """Announce that all documents may be others now, complete up to `position`."""
        self._tell_beginning(position, gapless=False, log_set_back=log_set_back)
        if self.recipients.notices:
            self.recipients.notices.begin(self._read_model, position, log_set_back=log_set_back)
        self.recipients.cache.settled(self._read_model)
        self.recipients.lists.settled(self._read_model, gapless=False, log_set_back=log_set_back)

    def replacing(self, collections: Sequence[Collection]) -> None:
        """Announce that any document of these collections may be another one from now on."""
        anything = [(collection.delete_where({}), None) for collection in collections]
        self.recipients.cache.changing(self._read_model, anything)

    def replaced(self, *, nothing: bool) -> None:
        """Announce that documents were made anew at the same position; `nothing` means that none was."""
        if nothing:
            self.recipients.cache.changed(self._read_model)
        else:
            self.begin_anew(self.progress.position, log_set_back=True)

    def pending(self, since: datetime) -> None:
        """Announce that events are to be applied, the oldest of which was recorded at `since`."""
        self.progress.pending(since)

    def changing(self, changes: Sequence[ChangeWithIds], position: int) -> None:
        """Announce that the documents may show `changes`, up to `position`, from now on."""
        if self.recipients.telling:
            self.recipients.telling.changing(changes, position)
        self.recipients.cache.changing(self._read_model, changes)
        self.recipients.lists.changing(self._read_model, changes)
        self.progress.applying(position)

    @contextmanager
    def transaction(self, changes: Sequence[tuple[RecordedEvent, Change]]) -> Iterator[None]:
        """Measure the transaction within the block, and have it continue the traces of its events."""
        began, tracing = perf_counter(), self.recipients.tracing
        with tracing.projecting(self._read_model, (event for event, _ in changes)) if tracing else _UNTRACED:
            yield
        self.recipients.transactions.add(perf_counter() - began)

    def refused(self) -> None:
        """Announce that the store has refused the last `changing`, and shows none of it."""
        if self.recipients.telling:
            self.recipients.telling.refused()
        self.recipients.lists.refused(self._read_model)
        self.progress.not_applied()

    async def changed(self, position: int, notices: Sequence[DocumentChanged]) -> None:
        """Announce that the documents show all changes up to `position`."""
        if self.recipients.telling:
            self.recipients.telling.changed(position, notices)
        self.recipients.cache.changed(self._read_model)
        self.recipients.lists.changed(self._read_model)
        self.progress.reached(position)
        if self.recipients.notices:
            await self.recipients.notices.publish_in_steps(notices)

    def unchanged(self, position: int) -> None:
        """Announce that no further event up to `position` changes a document."""
        if self.recipients.telling:
            self.recipients.telling.unchanged(position)
        self.progress.reached(position)

    def _tell_beginning(self, position: int, *, gapless: bool, log_set_back: bool) -> None:
        if self.recipients.telling:
            self.recipients.telling.began(
                self._documents, position, gapless=gapless, log_set_back=log_set_back
            )
