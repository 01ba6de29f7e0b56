"""Applying events to a read model's documents: in one transaction, and never skipping one."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import CheckpointMoved, DocumentChanged, DocumentWriter
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.live.notices import Notices
from app.cqrs.log.events import RecordedEvent
from app.cqrs.projecting.deferred import DeferredCheckpoint
from app.cqrs.reading.cache import ReadCache
from app.cqrs.unavailable import ReadStoreUnavailable

RETRIES = 5
"""How often an event that can't be projected is tried again before the read model is failed."""
TRIED_FOR = 60.0
"""Seconds after which it is not tried again, however few times it was: a try may take a minute."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between tries; each pause is twice as long as the one before."""
FOUND = 1_000
"""Documents that a change may find before all kept answers of its collection are forgotten instead."""
LAST_WORD = 1.0
"""Seconds that saving the checkpoint may take when the projector stops."""

logger = logging.getLogger(__name__)


class Poison(Impersonal):
    """An event can't be applied, however often it is tried: what everybody may know of that.

    The operator finds more in the log, and the event by its position.
    """

    def __init__(self, event: RecordedEvent, error: Exception) -> None:
        name = type(error).__name__
        super().__init__(f"{event.type} at position {event.position} can't be applied ({name})")


class Applier:
    """Applies events, and tells everybody in the one order in which nobody sees too much or too little.

    Before the transaction the cache forgets what is about to change; after it, those who wait are woken,
    and then the notices go out.
    """

    def __init__(
        self,
        model: ReadModel,
        *,
        store: DocumentWriter,
        progress: Progress,
        notices: Notices,
        cache: ReadCache,
        deferred: DeferredCheckpoint,
    ) -> None:
        self._model = model
        self._store = store
        self._progress = progress
        self._notices = notices
        self._cache = cache
        self._deferred = deferred

    async def apply(self, events: Sequence[RecordedEvent]) -> None:
        """Apply `events` in one transaction; where that fails, one by one. Raises `Poison`."""
        self._progress.pending(events[0].occurred_at)
        try:
            await self._commit(events)
        except (ReadStoreUnavailable, CheckpointMoved):
            raise
        except Exception as error:
            self._progress.not_applied()
            if len(events) == 1:
                await self._retry(events[0], error)
                return
            for event in events:
                await self.apply([event])

    async def save(self) -> None:
        """Store the checkpoint where it is behind."""
        deferred = self._deferred
        if deferred.last and deferred.save_by is not None:
            since, start = deferred.unchanged_since, deferred.last.position
            await self._store.apply(self._model, [], since=since, start=start, end=deferred.last)
            deferred.saved()

    async def save_at_last(self) -> None:
        """Store the checkpoint, if that can be done at once."""
        try:
            async with asyncio.timeout(LAST_WORD):
                await self.save()
        except Exception as reason:  # Why it leaves is worth more, and the events are looked at again.
            logger.info("%s leaves its checkpoint behind: %s", self._model.name, outline(reason))

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
                self._progress.not_applied()
                error = again
        raise Poison(event, error) from error

    async def _commit(self, events: Sequence[RecordedEvent]) -> None:
        parts = [part for event in events for part in event.parts]
        changes = [(part, change) for part in parts for change in self._model.changes(part)]
        last, notices = events[-1], list[DocumentChanged]()
        if changes:
            concerned = [(change, await self._concerned(change)) for _, change in changes]
            self._cache.changing(self._model.name, concerned)
            self._progress.applying(last.position)
            since, start = self._deferred.unchanged_since, self._progress.position
            notices = await self._store.apply(self._model, changes, since=since, start=start, end=last)
            self._cache.changed(self._model.name)
            self._deferred.begin(last)
        else:
            self._deferred.passed(last)
        self._progress.reached(last.position)
        await self._notices.publish_in_turns(notices)
        if self._deferred.is_due():
            await self.save()

    async def _concerned(self, change: Change) -> Sequence[str] | None:
        """Return the ids of the documents that a change may change; `None` where that takes too long.

        Documents that fit its filter only through other changes of its batch are told of by these.
        """
        if change.id is not None:
            return (change.id,)
        if self._progress.state is not ReadModelState.LIVE or not len(self._cache):
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
