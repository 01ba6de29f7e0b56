"""The projections of a process, with the operations for operators."""

from collections.abc import Mapping

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.freshness.progress import Freshness
from app.cqrs.log.events import RecordedEvent
from app.cqrs.log.shared_log import SharedLog
from app.cqrs.measured.durations import Durations
from app.cqrs.projecting.projector import Projector


class ReadModelFailed(CommandError):
    """The read model failed again at an event that it can't apply."""

    code = "READ_MODEL_FAILED"


class Projections:
    """The projectors, by read model, and the log that they share."""

    def __init__(self, log: SharedLog, projectors: Mapping[str, Projector]) -> None:
        self._log = log
        self._projectors = projectors

    @property
    def transactions(self) -> Mapping[str, Durations]:
        """The transactions that have changed documents, by read model."""
        return {name: projector.transactions for name, projector in self._projectors.items()}

    def stopped_at(self, read_model: str) -> RecordedEvent | None:
        """Return the event at which a read model has failed; `None` if it has not, or not at an event."""
        return self._projectors[read_model].stopped_at

    async def retry(self, read_model: str, patience: float) -> Freshness:
        """Restart a failed projector, and return the freshness that it reached.

        Waits at most `patience` seconds for the outcome. Does nothing for a live projector.
        """
        self._log.forget()  # An operator may have corrected the event in the log.
        projector = self._projectors[read_model]
        await projector.retry(patience)
        return projector.progress.freshness()
