"""Documents of a read model with their checkpoint, which is compared with the log."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from app.cqrs.documents.read_model import Change, ReadModel
from app.cqrs.documents.store import CheckpointMoved, DocumentChanged, DocumentsLost, DocumentWriter
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.log.history import last_agreed
from app.cqrs.projecting.deferred import DeferredCheckpoint
from app.cqrs.projecting.interrupts import Interrupts

COMPARED_EVERY = 1.0
"""Seconds between two comparisons of the stored checkpoint with the one in memory."""

SAVED_AT_LAST_WITHIN = 1.0
"""Seconds that saving the checkpoint may take when the projector stops."""

logger = logging.getLogger(__name__)


class OtherLog(Impersonal):
    """The documents contain events that are not in the log; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The state of the documents at the start of a projector."""

    position: int
    """The position up to which they are complete."""
    gapless: bool
    """True if this object has written all that the documents contain."""
    log_set_back: bool
    """True if the log no longer has the last event that this object has applied."""


@dataclass(frozen=True, kw_only=True)
class CheckpointMove:
    """A move of the stored checkpoint, which fits if it is from `since` to `start`, both inclusive."""

    since: int
    start: int
    end: RecordedEvent | None
    """The event that it moves to; `None` if there was none."""


class CheckpointedDocuments:
    """The documents of a read model, written together with their checkpoint.

    The checkpoint is saved later if no document changes. A restored copy, a dropped database or a fail-over
    that lost commits may set documents or log back: both are compared at each start, and the checkpoint
    with the stored one every `COMPARED_EVERY` seconds.
    """

    def __init__(self, model: ReadModel, *, store: DocumentWriter, log: EventLog) -> None:
        self._model = model
        self._store = store
        self._log = log
        self._checkpoint = DeferredCheckpoint()
        self._is_indexed = False
        self._compare_by = 0.0
        """The time of the next comparison, by the event loop's clock."""

    @property
    def last(self) -> RecordedEvent | None:
        """The last event that was applied; `None` if there is none."""
        return self._checkpoint.last

    @property
    def move(self) -> CheckpointMove:
        """The move that brings the stored checkpoint to the last event, before which no document changes."""
        start = self._checkpoint.position
        return CheckpointMove(since=self._checkpoint.unchanged_since, start=start, end=self.last)

    @property
    def due(self) -> float:
        """The time at which `run_due_tasks` has something to do, by the event loop's clock."""
        return min(self._compare_by, self._checkpoint.save_by or self._compare_by)

    async def open(self) -> Opened:
        """Compare the documents with the log; clear them if some were lost; raise `OtherLog`."""
        self._is_indexed = False
        try:
            await self._store.prepare(self._model)
        except DocumentsLost as loss:
            logger.error(
                "The documents are rebuilt from the log: read_model=%s error=%s",
                self._model.name,
                outline(loss),
            )
            await self._store.clear(self._model)
            await self._store.prepare(self._model)
        stored = await self._event_at_checkpoint()
        position = stored.position if stored else 0
        last = self._checkpoint.last
        set_back = last is not None and not await last_agreed(self._log, [last])
        gapless = self._checkpoint.may_be(position) and not set_back
        if not gapless:
            self._checkpoint.begin(stored)
        elif position < self._checkpoint.position:
            self._checkpoint.save_soon()
        self._compare_by = asyncio.get_running_loop().time() + COMPARED_EVERY
        return Opened(position=self._checkpoint.position, gapless=gapless, log_set_back=set_back)

    async def index(self) -> None:
        """Create the indexes that the documents lack, unless that was done since they were opened."""
        if not self._is_indexed:
            await self._store.index(self._model)
            self._is_indexed = True

    async def position_in_log(self) -> int:
        """Return the position of the stored documents, which the log agrees with; raise `OtherLog`."""
        stored = await self._event_at_checkpoint()
        return stored.position if stored else 0

    async def until_log_agrees(self, interrupts: Interrupts) -> None:
        """Wait until documents and log agree again, the documents are dropped, or the wait is interrupted."""
        interrupts.clear()
        while not await interrupts.woken_within(COMPARED_EVERY):
            try:
                await self._event_at_checkpoint()
            except DocumentsLost:
                return
            except Exception as reason:
                logger.debug(
                    "Documents and log do not agree yet: read_model=%s error=%s",
                    self._model.name,
                    outline(reason),
                )
            else:
                return

    async def write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], last: RecordedEvent
    ) -> list[DocumentChanged]:
        """Apply `changes` and move the checkpoint to `last` in one transaction; return the notices."""
        notices = await self._apply(changes, last)
        self._checkpoint.begin(last)
        return notices

    def skip(self, last: RecordedEvent) -> None:
        """Record that the events up to `last` change no document."""
        self._checkpoint.skip(last)

    async def save(self) -> None:
        """Save the checkpoint if the stored one is behind."""
        last = self._checkpoint.last
        if last and self._checkpoint.save_by is not None:
            await self._apply([], last)
            self._checkpoint.saved()

    async def save_if_due(self) -> None:
        """Save the checkpoint if the stored one has been behind for `SAVED_WITHIN` seconds."""
        if self._checkpoint.is_due():
            await self.save()

    async def save_at_last(self) -> None:
        """Save the checkpoint before the projector stops; give up after `SAVED_AT_LAST_WITHIN` seconds."""
        try:
            async with asyncio.timeout(SAVED_AT_LAST_WITHIN):
                await self.save()
        except Exception as reason:
            # An error here must not hide the reason to stop: the events are only read again.
            logger.info(
                "The checkpoint was not saved at the stop: read_model=%s error=%s",
                self._model.name,
                outline(reason),
            )

    async def run_due_tasks(self) -> None:
        """Save the checkpoint, and compare it with the stored one, if either is due.

        Raises `DocumentsLost` and `CheckpointMoved`.
        """
        await self.save_if_due()
        now = asyncio.get_running_loop().time()
        if now >= self._compare_by:
            self._compare_by = now + COMPARED_EVERY
            await self._compare()

    async def _event_at_checkpoint(self) -> RecordedEvent | None:
        """Return the last event that the stored documents contain; `None` if they contain none.

        Raises `OtherLog` if the log has another event at that position, after the write store was replaced or
        restored from an older copy; and `DocumentsLost`.
        """
        checkpoint = await self._store.checkpoint(self._model)
        if not checkpoint.position:
            return None
        agreed = await last_agreed(self._log, checkpoint.points)
        if agreed is None or agreed.position < checkpoint.position:
            raise OtherLog(
                f"the documents were made from other events than those of the log, up to position "
                f"{checkpoint.position}{f' (they agree up to {agreed.position})' if agreed else ''}: "
                "use another MONGODB_DATABASE or data folder, or drop the documents"
            )
        return agreed

    async def _compare(self) -> None:
        stored, own = (await self._store.checkpoint(self._model)).position, self._checkpoint.position
        if not self._checkpoint.may_be(stored):
            kind = DocumentsLost if stored < own else CheckpointMoved
            raise kind(
                f"the documents of {self._model.name} are at position {stored}, and no longer at {own}"
            )

    async def _apply(
        self, changes: Sequence[tuple[RecordedEvent, Change]], last: RecordedEvent
    ) -> list[DocumentChanged]:
        since, start = self._checkpoint.unchanged_since, self._checkpoint.position
        return await self._store.apply(self._model, changes, since=since, start=start, end=last)
