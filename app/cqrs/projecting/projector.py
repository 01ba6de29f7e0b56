"""The projector, which keeps one read model's documents up to date with the event log."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.announcing.telling import Telling
from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import CheckpointMoved, DocumentsLost, DocumentWriter
from app.cqrs.freshness.progress import Progress, ReadModelBehind, ReadModelState
from app.cqrs.impersonal import outline
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.log.event_bus import EventBus
from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.measured import logged
from app.cqrs.measured.durations import Durations
from app.cqrs.measured.tracing import Tracing
from app.cqrs.projecting.applying import Applier, Poison, pauses
from app.cqrs.projecting.checkpointing import CheckpointedDocuments, CheckpointMove, OtherLog
from app.cqrs.projecting.following import LogFollower
from app.cqrs.projecting.interrupts import Doubted, Interrupts
from app.cqrs.projecting.skipping import NoSkips, SkippedEvents, SkipStore
from app.cqrs.reading.cache import ReadCache
from app.cqrs.unavailable import WriteStoreUnavailable

DECISIONS_READ_EVERY = 1.0
"""Seconds between two looks for a decision of an operator while a read model has failed."""

logger = logging.getLogger(__name__)


class Projector:
    """Applies every event once and in order: from the log while behind, from the bus when live.

    An event is never skipped unless an operator decides so, which `skips` keeps: if it can't be applied, this
    read model fails, and no other. `lost` is called if documents are missing, because those of other read
    models may be missing, too.
    """

    def __init__(
        self,
        model: ReadModel,
        *,
        log: EventLog,
        bus: EventBus,
        store: DocumentWriter,
        progress: Progress,
        notices: Notices | None = None,
        cache: ReadCache | None = None,
        lists: ConcernedLists | None = None,
        telling: Telling | None = None,
        lost: Callable[[], None] = lambda: None,
        skips: SkipStore | None = None,
        tracing: Tracing | None = None,
        batch: int | None = None,
    ) -> None:
        """Apply at most `batch` events at once, 500 by default; without `notices`, nobody follows these."""
        self.model = model
        self._bus = bus
        self._lost = lost
        self._interrupts = Interrupts()
        self._documents = CheckpointedDocuments(model, store=store, log=log)
        cache = ReadCache(0) if cache is None else cache  # An empty cache is falsy, too.
        self.announcer = Announcer(
            model.key,
            progress=progress,
            notices=notices,
            cache=cache,
            lists=lists or ConcernedLists(),
            telling=telling,
            tracing=tracing,
        )
        """The announcer of the documents to those who read and follow them."""
        self._skipped = SkippedEvents(model.name, skips or NoSkips())
        self.stopped_at: RecordedEvent | None = None
        """The event at which the read model has failed; `None` if it has not, or not at an event."""
        self._applier = Applier(
            model,
            store=store,
            documents=self._documents,
            announcer=self.announcer,
            skipped=self._skipped,
        )
        self._follower = LogFollower(
            log=log,
            documents=self._documents,
            applier=self._applier,
            announcer=self.announcer,
            interrupts=self._interrupts,
            batch=batch,
        )

    @property
    def progress(self) -> Progress:
        """The progress of the documents."""
        return self.announcer.progress

    @property
    def transactions(self) -> Durations:
        """The transactions of this process that have changed documents of the read model."""
        return self.announcer.transactions

    @property
    def between_batches(self) -> asyncio.Lock:
        """A lock during which no event is applied."""
        return self._applier.turn

    @property
    def move(self) -> CheckpointMove:
        """The move that brings the stored checkpoint to the last event."""
        return self._documents.move

    def changes_of(self, events: Sequence[RecordedEvent]) -> Sequence[tuple[RecordedEvent, Change]]:
        """Return the changes that events make when they are applied; raise what a function raises."""
        return self._applier.changes_of(events)

    def exchange(self, other: "Projector") -> None:
        """Have all who read and follow the documents of `other` read and follow these, and the reverse.

        The caller holds both locks `between_batches`, and these documents are at the same position or later.
        """
        self.announcer.exchange(other.announcer)

    async def run(self) -> None:
        """Project until cancelled; after an event that can't be applied, wait for `retry`."""
        between, reached = pauses(), 0
        while True:
            logged.done()
            try:
                # During a pause no subscription is needed: the log has all events.
                with self._bus.subscribe() as batches:
                    await self._start()
                    try:
                        await self._follower.follow(batches)
                    except (Poison, asyncio.CancelledError):
                        await self._documents.save_at_last()
                        raise
            except Doubted:
                logger.info("The documents are compared with the log: read_model=%s", self.model.name)
            except (Poison, OtherLog) as reason:
                await self._fail(reason)
                between = pauses()
            except Exception as reason:  # A failed store is retried without limit.
                self._prepare_restart(reason)
                if self.progress.position > reached:
                    between, reached = pauses(), self.progress.position
                await self._interrupts.pause(next(between))

    async def stand_still(self) -> None:
        """Have the documents read as they are, until cancelled; no event is applied to them.

        Another version of the program has made them, and this one does not know how. They are complete up to
        their checkpoint: later tokens wait until other documents are read instead.
        """
        between = pauses()
        while True:
            try:
                self._interrupts.doubted = False
                position = await self._documents.position_in_log()
                self.announcer.started(position, gapless=False, log_set_back=False)
                if not self._interrupts.doubted:
                    self.progress.trust()
                between = pauses()
                await self._interrupts.pause(None)
            except OtherLog as reason:
                await self._fail(reason)
            except DocumentsLost as reason:
                logger.error(
                    "Documents of an earlier version are lost: read_model=%s error=%s",
                    self.model.name,
                    outline(reason),
                )
                self.announcer.started(0, gapless=False, log_set_back=False)
                await self._interrupts.pause(None)
            except Exception as reason:
                self._prepare_restart(reason)
                await self._interrupts.pause(next(between))

    async def retry(self, patience: float) -> None:
        """Retry at once after a failure or during a pause; do nothing while live.

        Returns once the retry has succeeded or failed, at most `patience` seconds later: see `progress`.
        """
        if self.progress.state is ReadModelState.LIVE:
            return
        self.progress.catching_up()
        self._interrupts.wake()
        with suppress(ReadModelBehind):
            await self.progress.wait_for(self.progress.position + 1, patience)

    def doubt(self) -> None:
        """Compare documents and log as soon as possible, because one of them may have been set back."""
        self.progress.doubt()
        self._interrupts.doubt()

    async def catch_up(self) -> None:
        """Apply all events in the log after the checkpoint."""
        await self._follower.catch_up()

    async def _start(self) -> None:
        self._interrupts.doubted = False
        self.progress.skips(await self._skipped.read())
        found = await self._documents.open()
        self.announcer.started(found.position, gapless=found.gapless, log_set_back=found.log_set_back)
        if not self._interrupts.doubted:
            self.progress.trust()

    async def _fail(self, reason: Poison | OtherLog) -> None:
        """Set the read model to failed, and wait until a retry may succeed."""
        if isinstance(reason, OtherLog):
            self.progress.reached(0)  # These documents satisfy no token.
        logger.error("The read model has failed: read_model=%s error=%s", self.model.name, reason)
        self.progress.failed(str(reason))
        if isinstance(reason, OtherLog):
            await self._documents.until_log_agrees(self._interrupts)
        else:
            self.stopped_at = reason.event
            await self._until_retried_or_skipped(reason.event)
            self.stopped_at = None
        logger.info("The read model is retried: read_model=%s", self.model.name)

    async def _until_retried_or_skipped(self, event: RecordedEvent) -> None:
        """Wait for `retry`, or for the decision of an operator, who may have asked another process."""
        self._interrupts.clear()
        while not await self._interrupts.woken_within(DECISIONS_READ_EVERY):
            with suppress(WriteStoreUnavailable):
                await self._skipped.read()
            if self._skipped.has(event):
                return self.progress.catching_up()
        return None

    def _prepare_restart(self, reason: Exception) -> None:
        """Prepare to restart from the checkpoint."""
        self.progress.erred(outline(reason))
        logger.warning(
            "The projector restarts from its checkpoint: read_model=%s error=%s",
            self.model.name,
            outline(reason),
        )
        if isinstance(reason, (CheckpointMoved, DocumentsLost)):
            # The documents may lack changes that they had before.
            self.progress.doubt()
        if isinstance(reason, DocumentsLost):
            self._lost()
        self.progress.catching_up()
        self._follower.take_smaller_batches()
