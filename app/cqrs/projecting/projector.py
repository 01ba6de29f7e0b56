"""The projector: keeps one read model's documents in step with the event log."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import Checkpoint, CheckpointMoved, DocumentsLost, DocumentWriter
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import BatchSource, EventBatch, EventBus
from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.log.history import last_agreed, read_on
from app.cqrs.projecting.applying import Applier, Poison, pauses
from app.cqrs.projecting.deferred import DeferredCheckpoint
from app.cqrs.reading.cache import ReadCache

BATCH = 500
COMPARED_EVERY = 1.0
"""Seconds between two looks at whether the documents are still those that were written."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Projector:
    """Applies every event once and in order: from the log while behind, from the bus when live.

    An event is never skipped: one that can't be applied stops this read model, and no other.

    Where events change no document, the store need not hear of each: the next transaction takes the
    checkpoint along, or a write of its own a while later. Who is killed before that looks at them again.

    Documents and log may be put back by others (a restored copy, a dropped database, a fail-over that lost
    commits): both are compared with what was seen before, after each `doubt`, and the documents every
    `COMPARED_EVERY` seconds. Where documents are found to be gone `lost` is called: others may be, too.
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
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.progress = progress
        self._log = log
        self._bus = bus
        self._store = store
        self._notices = notices
        self._lost = lost
        self._cache = ReadCache(0) if cache is None else cache
        self._deferred = DeferredCheckpoint()
        self._applier = Applier(
            model,
            store=store,
            progress=progress,
            notices=notices,
            cache=self._cache,
            deferred=self._deferred,
        )
        self._batch = BATCH
        self._woken = asyncio.Event()
        self._doubted = False
        """Whether documents and log are to be compared before anything else is done."""
        self._compare_by = 0.0
        """When the documents are to be looked at again, by the event loop's clock."""
        self._waiting: asyncio.Timeout | None = None
        """For the next batch, while that is waited for."""

    async def run(self) -> None:
        """Project until it is cancelled; where an event can't be applied, wait for `retry`."""
        name, between, reached = self.model.name, pauses(), 0
        while True:
            try:
                with self._bus.subscribe() as batches:  # Who waits needs none: they are in the log.
                    await self._start()
                    try:
                        await self._follow(batches)
                    except (Poison, asyncio.CancelledError):
                        await self._applier.save_at_last()
                        raise
            except _Doubted:
                logger.info("%s compares its documents with the log", name)
            except (Poison, _OtherLog) as reason:
                other = isinstance(reason, _OtherLog)
                if other:
                    self.progress.reached(0)  # What the documents show satisfies no token.
                why = str(reason)
                logger.error("%s stops: %s", name, why)
                self.progress.failed(why)
                await (self._put_right() if other else self._pause(None))
                logger.info("%s is tried again", name)
                between = pauses()
            except Exception as reason:  # A store that fails is tried again for ever.
                logger.warning("%s starts over from its checkpoint: %s", name, outline(reason))
                if isinstance(reason, (CheckpointMoved, DocumentsLost)):  # They may show less than they did.
                    self.progress.doubt()
                if isinstance(reason, DocumentsLost):
                    self._lost()
                self.progress.catching_up()
                self._batch = max(1, self._batch // 2)  # It may have been too much at once.
                if self.progress.position > reached:
                    between, reached = pauses(), self.progress.position
                await self._pause(next(between))

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

    def doubt(self) -> None:
        """Have documents and log compared at once: one of them may have been put back by somebody."""
        self._doubted = True
        self.progress.doubt()
        self._woken.set()
        if self._waiting and not self._waiting.expired():
            self._waiting.reschedule(0)

    async def catch_up(self) -> None:
        """Apply all that is in the log after the checkpoint."""
        events = await read_on(self._log, self._deferred.last, self._batch)
        while events:
            if len(events) < self._batch:
                await self._applier.apply(events)
                events = await read_on(self._log, self._deferred.last, self._batch)
            else:  # There is more, most likely: it is read meanwhile.
                larger = min(BATCH, self._batch * 2)
                async with _meanwhile(read_on(self._log, events[-1], larger)) as reading:
                    await self._applier.apply(events)
                    events = await reading
                self._batch = larger

    async def _pause(self, seconds: float | None) -> None:
        self._woken.clear()
        await self._woken_within(seconds)

    async def _put_right(self) -> None:
        """Wait until log and documents agree again: a restore comes to its end, or documents are dropped."""
        self._woken.clear()
        while not await self._woken_within(COMPARED_EVERY):
            try:
                await self._event_at(await self._store.checkpoint(self.model))
            except DocumentsLost:
                return
            except Exception as reason:
                logger.debug("%s goes on waiting: %s", self.model.name, outline(reason))
            else:
                return

    async def _woken_within(self, seconds: float | None) -> bool:
        """Return whether `retry` or `doubt` ended the wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self._doubted or self._woken.is_set()):
                    await self._woken.wait()
        return self._doubted or self._woken.is_set()

    async def _start(self) -> None:
        self._doubted = False
        try:
            await self._store.prepare(self.model)
        except DocumentsLost as loss:
            logger.error("%s is built anew from the log: %s", self.model.name, outline(loss))
            await self._store.clear(self.model)
            await self._store.prepare(self.model)
        await self._start_at(await self._store.checkpoint(self.model))
        self._compare_by = asyncio.get_running_loop().time() + COMPARED_EVERY
        if not self._doubted:
            self.progress.trust()

    async def _start_at(self, checkpoint: Checkpoint) -> None:
        at = await self._event_at(checkpoint)
        anew = self._deferred.last is not None and not await last_agreed(self._log, [self._deferred.last])
        if self._deferred.may_be(checkpoint.position) and not anew:
            position = self._deferred.position
            if checkpoint.position < position:
                self._deferred.save_soon()
        else:  # What others projected, or we without hearing of it.
            position = checkpoint.position
            self._notices.begin(self.model.name, position, anew=anew)
            self._deferred.begin(at)
        self._cache.settled(self.model.name)
        self.progress.reached(position)

    async def _event_at(self, checkpoint: Checkpoint) -> RecordedEvent | None:
        """The event that the documents were made up to; raises `_OtherLog` where the log has another."""
        if not checkpoint.position:
            return None
        # A write store that was replaced, or restored from an older copy, has other events there.
        agreed = await last_agreed(self._log, checkpoint.points)
        if agreed is None or agreed.position < checkpoint.position:
            raise _OtherLog(
                f"the documents were made from other events than those of the log, up to position "
                f"{checkpoint.position}{f' (they agree up to {agreed.position})' if agreed else ''}: "
                "use another MONGODB_DATABASE or data folder, or drop the documents"
            )
        return agreed

    async def _follow(self, batches: BatchSource) -> None:
        await self.catch_up()
        self._be_live()
        while True:
            batch = await self._next(batches)
            if batch is None:
                await self._do_what_is_due()
            elif batch.after > self.progress.position:  # The chain has a gap: the log has what the bus lost.
                self.progress.catching_up()
                await self.catch_up()
                self._be_live()
            elif batch.last > self.progress.position:
                await self._applier.apply(
                    [event for event in batch.events if event.position > self.progress.position]
                )

    def _be_live(self) -> None:
        if not self._doubted:
            self.progress.live()

    async def _next(self, batches: BatchSource) -> EventBatch | None:
        """The next batch; `None` where something else is to be done first."""
        due = min(self._compare_by, self._deferred.save_by or self._compare_by)
        batch = None
        if not self._doubted and asyncio.get_running_loop().time() < due:
            try:
                async with asyncio.timeout_at(due) as self._waiting:
                    batch = await batches.next()
            except TimeoutError:
                pass
            finally:
                self._waiting = None
        if self._doubted:
            raise _Doubted
        return batch

    async def _do_what_is_due(self) -> None:
        if self._deferred.is_due():
            await self._applier.save()
        now = asyncio.get_running_loop().time()
        if now >= self._compare_by:
            self._compare_by = now + COMPARED_EVERY
            checkpoint = await self._store.checkpoint(self.model)
            if not self._deferred.may_be(checkpoint.position):
                kind = DocumentsLost if checkpoint.position < self.progress.position else CheckpointMoved
                raise kind(
                    f"the documents of {self.model.name} are as of position {checkpoint.position}, "
                    f"not of {self.progress.position} any more"
                )


class ReadModelFailed(CommandError):
    """A read model that was to go on has stopped again; the message says why."""

    code = "READ_MODEL_FAILED"


class _OtherLog(Impersonal):
    pass


class _Doubted(Impersonal):
    pass


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
