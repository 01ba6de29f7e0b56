"""The projector: keeps one read model's documents in step with the event log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from app.cqrs.commands import CommandError
from app.cqrs.documents import (
    Checkpoint,
    CheckpointMoved,
    DocumentChanged,
    DocumentWriter,
    ReadStoreUnavailable,
)
from app.cqrs.event_bus import BatchSource, EventBatch, EventBus
from app.cqrs.events import EventLog, RecordedEvent
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.notices import Notices
from app.cqrs.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.read_cache import ReadCache
from app.cqrs.read_model import Change, ReadModel

BATCH = 500
RETRIES = 5
"""How often an event that can't be projected is tried again before the read model is failed."""
TRIED_FOR = 60.0
"""Seconds after which it is not tried again, however few times it was: a try may take a minute."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between tries; each pause is twice as long as the one before."""
SAVED_WITHIN = 5.0
"""Seconds that the stored checkpoint may stay behind while events change no document."""
FOUND = 1_000
"""Documents that a change may find before all kept answers of its collection are forgotten instead."""
LAST_WORD = 1.0
"""Seconds that saving it may take when the projector stops."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Projector:
    """Applies every event once and in order: from the log while behind, from the bus when live.

    An event is never skipped: one that can't be applied stops this read model, and no other.

    Where events change no document, the store need not hear of each: the next transaction takes the
    checkpoint along, or a write of its own a while later. Who is killed before that looks at them again.
    """

    def __init__(
        self,
        model: ReadModel,
        *,
        log: EventLog,
        bus: EventBus,
        store: DocumentWriter,
        progress: Progress,
        notices: Notices,
        cache: ReadCache | None = None,
    ) -> None:
        self.model = model
        self.progress = progress
        self._log = log
        self._bus = bus
        self._store = store
        self._notices = notices
        self._cache = ReadCache(0) if cache is None else cache
        self._batch = BATCH
        self._last: RecordedEvent | None = None
        self._unchanged_since = 0
        """No event after this position, up to the last one, changes a document."""
        self._save_by: float | None = None
        """When the checkpoint is to be saved, by the event loop's clock; `None` while it need not be."""
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Projects until it is cancelled; where an event can't be applied, it waits for `retry`."""
        name, pauses, reached = self.model.name, _pauses(), 0
        while True:
            try:
                with self._bus.subscribe() as batches:  # Who waits needs none: they are in the log.
                    await self._store.prepare(self.model)
                    await self._start_at(await self._store.checkpoint(self.model))
                    try:
                        await self._follow(batches)
                    except (_Poison, asyncio.CancelledError):
                        await self._save_at_last()
                        raise
            except (_Poison, _OtherLog) as reason:
                why = str(reason)
                logger.error("%s stops: %s", name, why)
                self.progress.failed(why)
                await self._pause(None)
                logger.info("%s is tried again", name)
                pauses = _pauses()
            except Exception as reason:  # A store that fails is tried again for ever.
                logger.warning("%s starts over from its checkpoint: %s", name, outline(reason))
                self.progress.catching_up()
                self._batch = max(1, self._batch // 2)  # It may have been too much at once.
                if self.progress.position > reached:
                    pauses, reached = _pauses(), self.progress.position
                await self._pause(next(pauses))

    async def retry(self, patience: float) -> None:
        """Goes on at once from where it failed, or where it waits for a store; else does nothing.

        Returns when that has led to something, at most `patience` seconds later: see `progress`.
        """
        if self.progress.state is ReadModelState.LIVE:
            return
        self.progress.catching_up()
        self._woken.set()
        with suppress(ReadModelBehind):
            await self.progress.wait_for(self.progress.position + 1, patience)

    async def _pause(self, seconds: float | None) -> None:
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _start_at(self, checkpoint: Checkpoint) -> None:
        position = checkpoint.position
        at: Sequence[RecordedEvent] = []
        if position:
            # A write store that was replaced, or restored from an older copy, has other events there.
            at = await self._log.read(after=position - 1, limit=1)
            if not at or at[0].event_id != checkpoint.event_id:
                raise _OtherLog(
                    f"the documents were made from other events than those of the log, up to position "
                    f"{position}: use another MONGODB_DATABASE or data folder, or drop the documents"
                )
        if self._unchanged_since <= position <= self.progress.position:
            if position < self.progress.position:
                self._save_soon()
            position = self.progress.position
        else:  # What others projected, or we without hearing of it.
            self._notices.begin(self.model.name, position)
            self._last, self._unchanged_since, self._save_by = at[0] if at else None, position, None
        self._cache.settled(self.model.name)
        self.progress.reached(position)

    async def catch_up(self) -> None:
        """Applies all that is in the log after the checkpoint."""
        events = await self._read(self.progress.position)
        while events:
            if len(events) < self._batch:
                await self._apply(events)
                events = await self._read(events[-1].position)
            else:  # There is more, most likely: it is read meanwhile.
                larger = min(BATCH, self._batch * 2)
                async with _meanwhile(self._log.read(after=events[-1].position, limit=larger)) as reading:
                    await self._apply(events)
                    events = await reading
                self._batch = larger

    async def _read(self, after: int) -> Sequence[RecordedEvent]:
        return await self._log.read(after=after, limit=self._batch)

    async def _follow(self, batches: BatchSource) -> None:
        await self.catch_up()
        self.progress.live()
        while True:
            batch = await self._next(batches)
            if batch.after > self.progress.position:  # The chain has a gap: the log has what the bus lost.
                self.progress.catching_up()
                await self.catch_up()
                self.progress.live()
            elif batch.last > self.progress.position:
                await self._apply(
                    [event for event in batch.events if event.position > self.progress.position]
                )

    async def _next(self, batches: BatchSource) -> EventBatch:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._save_by):
                return await batches.next()
        await self._save()
        return await batches.next()

    def _save_soon(self) -> None:
        if self._save_by is None:
            self._save_by = asyncio.get_running_loop().time() + SAVED_WITHIN

    async def _save(self) -> None:
        if self._last and self._save_by is not None:
            await self._store.apply(
                self.model, [], since=self._unchanged_since, start=self._last.position, end=self._last
            )
            self._save_by = None

    async def _save_at_last(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORD):
                await self._save()
        except Exception as reason:  # Why it leaves is worth more, and the events are looked at again.
            logger.info("%s leaves its checkpoint behind: %s", self.model.name, outline(reason))

    async def _apply(self, events: Sequence[RecordedEvent]) -> None:
        """Applies `events` in one transaction; where that fails, one by one."""
        self.progress.pending(events[0].occurred_at)
        try:
            await self._commit(events)
        except (ReadStoreUnavailable, CheckpointMoved):
            raise
        except Exception as error:
            if len(events) == 1:
                await self._retry(events[0], error)
                return
            for event in events:
                await self._apply([event])

    async def _retry(self, event: RecordedEvent, error: Exception) -> None:
        pauses, now = _pauses(), asyncio.get_running_loop().time
        give_up = now() + TRIED_FOR
        for _ in range(RETRIES):
            if now() > give_up:
                break
            logger.warning("%s retries %s: %s", self.model.name, _named(event), outline(error))
            await asyncio.sleep(next(pauses))
            try:
                return await self._commit([event])
            except (ReadStoreUnavailable, CheckpointMoved):
                raise
            except Exception as again:
                error = again
        raise _Poison(event, error) from error

    async def _commit(self, events: Sequence[RecordedEvent]) -> None:
        parts = [part for event in events for part in event.parts]
        changes = [(part, change) for part in parts for change in self.model.changes(part)]
        last, notices = events[-1], list[DocumentChanged]()
        if changes:
            concerned = [(change, await self._concerned(change)) for _, change in changes]
            self._cache.changing(self.model.name, concerned)
            self.progress.applying(last.position)
            start = self.progress.position
            notices = await self._store.apply(
                self.model, changes, since=self._unchanged_since, start=start, end=last
            )
            self._cache.changed(self.model.name)
            self._unchanged_since, self._save_by = last.position, None
        else:
            self._save_soon()
        self._last = last
        self.progress.reached(last.position)
        await self._notices.publish_in_turns(notices)
        if self._save_by is not None and asyncio.get_running_loop().time() >= self._save_by:
            await self._save()

    async def _concerned(self, change: Change) -> Sequence[str] | None:
        """The ids of the documents that a change may change; `None` where it would take too long to find out.

        Those that only fit its filter through other changes of its batch are told of by these.
        """
        if change.id is not None:
            return (change.id,)
        if self.progress.state is not ReadModelState.LIVE or not len(self._cache):
            return None
        limit = FOUND + 1
        found = await self._store.find(change.collection, change.where or {}, limit=limit, fields=())
        return [document["_id"] for document in found] if len(found) < limit else None


class ReadModelFailed(CommandError):
    """A read model that was to go on has stopped again; the message says why."""

    code = "READ_MODEL_FAILED"


class _OtherLog(Impersonal):
    pass


class _Poison(Impersonal):
    """What everybody may know of it; the operator finds more in the log, and the event by its position."""

    def __init__(self, event: RecordedEvent, error: Exception) -> None:
        name = type(error).__name__
        super().__init__(f"{event.type} at position {event.position} can't be applied ({name})")


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, T]) -> AsyncIterator["asyncio.Task[T]"]:
    """Work that goes on beside the block, and is given up with it."""
    task = asyncio.create_task(work)
    task.add_done_callback(
        lambda _: task.cancelled() or task.exception()
    )  # Who gave it up hears of no failure.
    try:
        yield task
    finally:
        task.cancel()


def _named(event: RecordedEvent) -> str:
    return f"{event.type} at position {event.position} (event {event.event_id} of {event.stream})"


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, pause * 2)
