"""A read model's documents with their checkpoint: opened, written, and compared with the log."""

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
"""Seconds between two checks that the documents are still those that were written."""

SAVED_AT_LAST_WITHIN = 1.0
"""Seconds that saving the checkpoint may take when the projector stops."""

logger = logging.getLogger(__name__)


class OtherLog(Impersonal):
    """The documents were made from other events than those of the log; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """How the documents were found when they were opened."""

    position: int
    """The position up to which they are complete."""
    gapless: bool
    """Whether all that is in them was written through here."""
    log_set_back: bool
    """Whether the log no longer has the last event that was written here."""


class CheckpointedDocuments:
    """Writes documents and their checkpoint together, and the checkpoint later where no document changes.

    Documents and log may be put back by others (a restored copy, a dropped database, a fail-over that lost
    commits), hence they are compared whenever they are opened, and the documents every `COMPARED_EVERY`
    seconds.
    """

    def __init__(self, model: ReadModel, *, store: DocumentWriter, log: EventLog) -> None:
        self._model = model
        self._store = store
        self._log = log
        self._checkpoint = DeferredCheckpoint()
        self._compare_by = 0.0
        """When the documents are to be compared again, by the event loop's clock."""

    @property
    def last(self) -> RecordedEvent | None:
        """The last event that is in the documents; `None` if there is none."""
        return self._checkpoint.last

    @property
    def due(self) -> float:
        """When `do_what_is_due` has something to do, by the event loop's clock."""
        return min(self._compare_by, self._checkpoint.save_by or self._compare_by)

    async def open(self) -> Opened:
        """Compare the documents with the log, build them anew where they were lost; raise `OtherLog`."""
        try:
            await self._store.prepare(self._model)
        except DocumentsLost as loss:
            logger.error("%s is built anew from the log: %s", self._model.name, outline(loss))
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

    async def until_log_agrees(self, interrupts: Interrupts) -> None:
        """Wait until the end of a restore, until the documents are dropped, or until it is interrupted."""
        interrupts.clear()
        while not await interrupts.woken_within(COMPARED_EVERY):
            try:
                await self._event_at_checkpoint()
            except DocumentsLost:
                return
            except Exception as reason:
                logger.debug("%s goes on waiting: %s", self._model.name, outline(reason))
            else:
                return

    async def write(
        self, changes: Sequence[tuple[RecordedEvent, Change]], last: RecordedEvent
    ) -> list[DocumentChanged]:
        """Make `changes` and move the checkpoint to `last` in one transaction; return the notices."""
        notices = await self._apply(changes, last)
        self._checkpoint.begin(last)
        return notices

    def skip(self, last: RecordedEvent) -> None:
        """Note that the events up to `last` change no document."""
        self._checkpoint.skip(last)

    async def save(self) -> None:
        """Store the checkpoint where it is behind."""
        last = self._checkpoint.last
        if last and self._checkpoint.save_by is not None:
            await self._apply([], last)
            self._checkpoint.saved()

    async def save_if_due(self) -> None:
        """Store the checkpoint where it has been behind for long enough."""
        if self._checkpoint.is_due():
            await self.save()

    async def save_at_last(self) -> None:
        """Store the checkpoint, if that can be done at once."""
        try:
            async with asyncio.timeout(SAVED_AT_LAST_WITHIN):
                await self.save()
        except Exception as reason:  # The reason to stop must not be lost; the events are only read again.
            logger.info("%s leaves its checkpoint behind: %s", self._model.name, outline(reason))

    async def do_what_is_due(self) -> None:
        """Save the checkpoint, and compare it with the stored one, where it is time to.

        Raises `DocumentsLost` and `CheckpointMoved`.
        """
        await self.save_if_due()
        now = asyncio.get_running_loop().time()
        if now >= self._compare_by:
            self._compare_by = now + COMPARED_EVERY
            await self._compare()

    async def _event_at_checkpoint(self) -> RecordedEvent | None:
        """Return the event that the stored documents were made up to; `None` where there is none.

        Raises `OtherLog`, for a write store that was replaced, or restored from an older copy, has another
        event there; and `DocumentsLost`.
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
        there, here = (await self._store.checkpoint(self._model)).position, self._checkpoint.position
        if not self._checkpoint.may_be(there):
            kind = DocumentsLost if there < here else CheckpointMoved
            raise kind(
                f"the documents of {self._model.name} are as of position {there}, not of {here} any more"
            )

    async def _apply(
        self, changes: Sequence[tuple[RecordedEvent, Change]], last: RecordedEvent
    ) -> list[DocumentChanged]:
        since, start = self._checkpoint.unchanged_since, self._checkpoint.position
        return await self._store.apply(self._model, changes, since=since, start=start, end=last)
