"""The deferred checkpoint, which is not saved for each event that changes no document."""

import asyncio
from dataclasses import dataclass

from app.cqrs.log.events import RecordedEvent

SAVED_WITHIN = 5.0
"""Seconds that the stored checkpoint may stay behind while events change no document."""


@dataclass
class DeferredCheckpoint:
    """The progress of a projector, and the lag of the stored checkpoint behind it."""

    last: RecordedEvent | None = None
    """The last event that was projected; `None` if there was none."""
    unchanged_since: int = 0
    """The position after which no event up to the last one changes a document."""
    save_by: float | None = None
    """The time by which to save the checkpoint, by the event loop's clock; `None` if it is saved."""

    @property
    def position(self) -> int:
        """The position of the last event; 0 if there was none."""
        return self.last.position if self.last else 0

    def begin(self, last: RecordedEvent | None) -> None:
        """Record that the stored checkpoint is at the event `last`."""
        self.last, self.save_by = last, None
        self.unchanged_since = self.position

    def skip(self, last: RecordedEvent) -> None:
        """Record that the events up to `last` change no document."""
        self.last = last
        self.save_soon()

    def save_soon(self) -> None:
        """Schedule the checkpoint to be saved within `SAVED_WITHIN` seconds."""
        if self.save_by is None:
            self.save_by = asyncio.get_running_loop().time() + SAVED_WITHIN

    def saved(self) -> None:
        """Record that the stored checkpoint is at the last event."""
        self.save_by = None

    def may_be(self, position: int) -> bool:
        """Return whether documents with a checkpoint at `position` contain all changes so far."""
        return self.unchanged_since <= position <= self.position

    def is_due(self) -> bool:
        """Return whether the checkpoint must be saved now."""
        return self.save_by is not None and asyncio.get_running_loop().time() >= self.save_by
