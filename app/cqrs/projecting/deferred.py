"""The checkpoint that is not stored yet: where events change no document, the store need not hear of each."""

import asyncio
from dataclasses import dataclass

from app.cqrs.log.events import RecordedEvent

SAVED_WITHIN = 5.0
"""Seconds that the stored checkpoint may stay behind while events change no document."""


@dataclass
class DeferredCheckpoint:
    """How far a projector has come, and how far behind that the stored checkpoint may be."""

    last: RecordedEvent | None = None
    """The last event that was projected; `None` where none was."""
    unchanged_since: int = 0
    """No event after this position, up to the last one, changes a document."""
    save_by: float | None = None
    """When the checkpoint is to be saved, by the event loop's clock; `None` while it need not be."""

    @property
    def position(self) -> int:
        """The position of the last event; 0 where none was projected."""
        return self.last.position if self.last else 0

    def begin(self, last: RecordedEvent | None) -> None:
        """Note that the stored checkpoint is at the event `last`."""
        self.last, self.save_by = last, None
        self.unchanged_since = self.position

    def passed(self, last: RecordedEvent) -> None:
        """Note that the events up to `last` change no document."""
        self.last = last
        self.save_soon()

    def save_soon(self) -> None:
        """Have the checkpoint saved within `SAVED_WITHIN` seconds."""
        if self.save_by is None:
            self.save_by = asyncio.get_running_loop().time() + SAVED_WITHIN

    def saved(self) -> None:
        """Note that the store has the checkpoint at the last event."""
        self.save_by = None

    def may_be(self, position: int) -> bool:
        """Whether a checkpoint that is stored at `position` is no older than what was projected here."""
        return self.unchanged_since <= position <= self.position

    def is_due(self) -> bool:
        """Whether the checkpoint is to be saved now."""
        return self.save_by is not None and asyncio.get_running_loop().time() >= self.save_by
