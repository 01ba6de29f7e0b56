"""The projections of a process, as an operator sees them."""

from collections.abc import Mapping

from app.cqrs.commands.outcomes import CommandError
from app.cqrs.freshness.progress import Freshness
from app.cqrs.log.shared_log import SharedLog
from app.cqrs.projecting.projector import Projector


class ReadModelFailed(CommandError):
    """The read model failed again at an event that it can't apply."""

    code = "READ_MODEL_FAILED"


class Projections:
    """The projectors by the names of their read models, and the log that they share."""

    def __init__(self, log: SharedLog, projectors: Mapping[str, Projector]) -> None:
        self._log = log
        self._projectors = projectors

    async def retry(self, read_model: str, patience: float) -> Freshness:
        """Have a projector go on from where it failed, and return how far it got.

        Waits at most `patience` seconds for the outcome. A projector that is live is left alone.
        """
        self._log.forget()  # What it stopped at may have been mended in the log.
        projector = self._projectors[read_model]
        await projector.retry(patience)
        return projector.progress.freshness()
