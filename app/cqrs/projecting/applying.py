"""Applying events to a read model's documents: in one transaction, and never skipping one."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import CheckpointMoved, Finder
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.announcing import Announcer
from app.cqrs.projecting.checkpointing import CheckpointedDocuments
from app.cqrs.unavailable import ReadStoreUnavailable

RETRIES = 5
"""How often an event that can't be projected is tried again before the read model fails."""
TRIED_FOR = 60.0
"""Seconds after which it is not tried again, however few times it was: a try may take a minute."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between tries; each pause is twice as long as the one before."""
FOUND = 1_000
"""Documents that a change may find before all kept answers of its collection are forgotten instead."""

logger = logging.getLogger(__name__)


class Poison(Impersonal):
    """An event can't be applied, however often it is tried. The message has nothing that may be personal.

    The log says more, and the operator finds the event by its position.
    """

    def __init__(self, event: RecordedEvent, error: Exception) -> None:
        name = type(error).__name__
        super().__init__(f"{event.type} at position {event.position} can't be applied ({name})")


class Applier:
    """Applies events to the documents of one read model, and announces how these change."""

    def __init__(
        self, model: ReadModel, *, store: Finder, documents: CheckpointedDocuments, announcer: Announcer
    ) -> None:
        self._model = model
        self._store = store
        self._documents = documents
        self._announcer = announcer

    async def apply(self, events: Sequence[RecordedEvent]) -> None:
        """Apply `events` in one transaction; where that fails, one by one. Raises `Poison`."""
        self._announcer.pending(events[0].occurred_at)
        try:
            await self._commit(events)
        except (ReadStoreUnavailable, CheckpointMoved):
            raise
        except Exception as error:
            self._announcer.refused()
            if len(events) == 1:
                await self._retry(events[0], error)
                return
            for event in events:
                await self.apply([event])

    async def _retry(self, event: RecordedEvent, error: Exception) -> None:
        between, now = pauses(), asyncio.get_running_loop().time
        give_up = now() + TRIED_FOR
        for _ in range(RETRIES):
            if now() > give_up:
                break
            logger.warning("%s retries %s: %s", self._model.name, _named(event), outline(error))
            await asyncio.sleep(next(between))
            try:
                return await self._commit([event])
            except (ReadStoreUnavailable, CheckpointMoved):
                raise
            except Exception as again:
                self._announcer.refused()
                error = again
        raise Poison(event, error) from error

    async def _commit(self, events: Sequence[RecordedEvent]) -> None:
        parts = [part for event in events for part in event.parts]
        changes = [(part, change) for part in parts for change in self._model.changes(part)]
        last = events[-1]
        if changes:
            concerned = [(change, await self._concerned(change)) for _, change in changes]
            self._announcer.changing(concerned, last.position)
            notices = await self._documents.write(changes, last)
            await self._announcer.changed(last.position, notices)
        else:
            self._documents.skip(last)
            self._announcer.unchanged(last.position)
        await self._documents.save_if_due()

    async def _concerned(self, change: Change) -> Sequence[str] | None:
        """Return the ids of the documents that a change may change; `None` where finding them takes too long.

        Where a document fits the filter only after another change of the batch, that change has its id.
        """
        if change.id is not None:
            return (change.id,)
        if not self._announcer.answers_are_kept:
            return None
        limit = FOUND + 1
        found = await self._store.find(change.collection, change.where or {}, limit=limit, fields=())
        return [document["_id"] for document in found] if len(found) < limit else None


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each further try."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, pause * 2)


def _named(event: RecordedEvent) -> str:
    return f"{event.type} at position {event.position} (event {event.event_id} of {event.stream})"
