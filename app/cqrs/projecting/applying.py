"""Application of events to a read model's documents, in one transaction, without skipping an event."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import CheckpointMoved, Finder
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.log.events import RecordedEvent
from app.cqrs.measured import logged
from app.cqrs.projecting.checkpointing import CheckpointedDocuments
from app.cqrs.projecting.skipping import SkippedEvents
from app.cqrs.reading.recent_changes import ChangeWithIds
from app.cqrs.unavailable import ReadStoreUnavailable

RETRIES = 5
"""Retries of an event that can't be applied, before the read model fails."""
RETRY_SECONDS = 60.0
"""Seconds after which no retry begins, however few there were: one attempt may take a minute."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds before the first retry, and at most before a later one; each pause is twice as long as the last."""
MAX_AFFECTED = 1_000
"""Documents that a change by filter may match before all cached answers of its collection are dropped."""

MOST_WRITTEN = 2_000
"""Documents that events may change in one transaction, unless a single event changes more.

MongoDB keeps what a transaction has changed in memory until it ends. If its cache has too little room for
that, what would take a second takes minutes.
"""
AT_ONCE = 50
"""Events whose changes are computed, in about a millisecond, before others have a turn."""
FOR_EACH_FILTER = 100
"""Documents for which a change by filter counts as long as they are not found."""

logger = logging.getLogger(__name__)


class _TooMany(Exception):
    """More documents than one transaction may change."""


class Poison(Impersonal):
    """An event that can't be applied, even after retries. The message contains no personal data.

    The operator finds the event by its position, and details in the log lines of the retries.
    """

    def __init__(self, event: RecordedEvent, error: Exception) -> None:
        self.event = event
        name = type(error).__name__
        super().__init__(f"{event.type} at position {event.position} can't be applied ({name})")


class Applier:
    """Applies events to the documents of one read model, and announces how these change."""

    def __init__(
        self,
        model: ReadModel,
        *,
        store: Finder,
        documents: CheckpointedDocuments,
        announcer: Announcer,
        skipped: SkippedEvents,
    ) -> None:
        self._model = model
        self._skipped = skipped
        self._store = store
        self._documents = documents
        self._announcer = announcer
        self.turn = asyncio.Lock()
        """Held while events are applied; whoever else holds it finds documents and progress at rest."""

    async def apply(self, events: Sequence[RecordedEvent]) -> None:
        """Apply `events` in one transaction, if they don't change too much; if that fails, one by one.

        Raises `Poison`.
        """
        self._announcer.pending(events[0].occurred_at)
        try:
            await self._commit(events)
        except _TooMany:
            half = len(events) // 2
            await self.apply(events[:half])
            await self.apply(events[half:])
        except (ReadStoreUnavailable, CheckpointMoved):
            raise
        except Exception as error:
            self._announcer.refused()
            if len(events) == 1:
                await self._retry(events[0], error)
                return
            for event in events:
                await self.apply([event])

    def changes_of(self, events: Sequence[RecordedEvent]) -> list[tuple[RecordedEvent, Change]]:
        """Return the changes that events make, without those of skipped ones; raise what they raise."""
        parts = [part for event in self._skipped.without(events) for part in event.parts]
        return [(part, change) for part in parts for change in self._model.changes(part)]

    async def _retry(self, event: RecordedEvent, error: Exception) -> None:
        logged.apply(event.command_id, event.correlation_id, event.trace)
        between, now = pauses(), asyncio.get_running_loop().time
        give_up = now() + RETRY_SECONDS
        for _ in range(RETRIES):
            if now() > give_up:
                break
            logger.warning(
                "An event can't be applied, and is retried: "
                "read_model=%s position=%d type=%s event_id=%s stream=%s error=%s",
                self._model.name,
                event.position,
                event.type,
                event.event_id,
                event.stream,
                outline(error),
            )
            await asyncio.sleep(next(between))
            try:
                await self._commit([event])
                return logged.done()
            except (ReadStoreUnavailable, CheckpointMoved):
                raise
            except Exception as again:
                self._announcer.refused()
                error = again
        raise Poison(event, error) from error

    async def _commit(self, events: Sequence[RecordedEvent]) -> None:
        changes, last = await self._changes_in_steps(events), events[-1]
        known = [(change, None if change.id is None else (change.id,)) for _, change in changes]
        self._refuse_too_many(events, known, FOR_EACH_FILTER)
        async with self.turn:
            if changes:
                with_ids = [(change, await self._affected_ids(change)) for _, change in changes]
                not_found = MAX_AFFECTED if self._announcer.answers_are_kept else FOR_EACH_FILTER
                self._refuse_too_many(events, with_ids, not_found)
                self._announcer.changing(with_ids, last.position)
                with self._announcer.transaction(changes):
                    notices = await self._documents.write(changes, last)
                await self._announcer.changed(last.position, notices)
            else:
                self._documents.skip(last)
                self._announcer.unchanged(last.position)
            await self._documents.save_if_due()

    async def _changes_in_steps(self, events: Sequence[RecordedEvent]) -> list[tuple[RecordedEvent, Change]]:
        changes = self.changes_of(events[:AT_ONCE])
        for first in range(AT_ONCE, len(events), AT_ONCE):
            await asyncio.sleep(0)
            changes += self.changes_of(events[first : first + AT_ONCE])
        return changes

    def _refuse_too_many(
        self, events: Sequence[RecordedEvent], changes: Sequence[ChangeWithIds], unknown: int
    ) -> None:
        """Raise `_TooMany` if several events change more documents than one transaction should.

        A change whose documents are not known counts for `unknown` documents.
        """
        if len(events) > 1:
            named = {(change.collection.name, id) for change, ids in changes for id in ids or ()}
            if len(named) + unknown * sum(ids is None for _, ids in changes) > MOST_WRITTEN:
                raise _TooMany

    async def _affected_ids(self, change: Change) -> Sequence[str] | None:
        """Return the ids of the documents that a change may affect; `None` if there are too many to find.

        A document that matches the filter only after another change of the batch is found by that change.
        """
        if change.id is not None:
            return (change.id,)
        if not self._announcer.answers_are_kept:
            return None
        limit = MAX_AFFECTED + 1
        found = await self._store.find(change.collection, change.where or {}, limit=limit, fields=())
        return [document["_id"] for document in found] if len(found) < limit else None


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each retry, without end."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, pause * 2)
