"""Announces how documents change, in the one order in which nobody is shown too much or too little."""

from collections.abc import Sequence
from datetime import datetime

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.live.notices import Notices
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.recent_changes import Concerned


class Announcer:
    """Tells the cache, those who wait for a position, and the subscribers how one read model changes.

    Before a transaction, the cache drops the answers that it will make stale: the documents may show the
    change before the store has answered, and a client that has seen it must not be given the older answer
    again. After the transaction, the position is reached before the notices go out: a subscriber who reads
    because of a notice finds the change, and does not wait for it.
    """

    def __init__(self, *, progress: Progress, notices: Notices, cache: ReadCache) -> None:
        self._read_model = progress.read_model
        self._progress = progress
        self._notices = notices
        self._cache = cache

    @property
    def answers_are_kept(self) -> bool:
        """Whether there may be answers that are worth telling apart by the documents that they show."""
        return self._progress.state is ReadModelState.LIVE and len(self._cache) > 0

    def started(self, position: int, *, gapless: bool, log_set_back: bool) -> None:
        """Tell that the documents are complete up to `position`, and that nothing is under way.

        `gapless` says that all changes up to there have been told, and `log_set_back` that the log has lost
        events that were.
        """
        if not gapless:
            self._notices.begin(self._read_model, position, anew=log_set_back)
        self._cache.settled(self._read_model)
        self._progress.reached(position)

    def pending(self, since: datetime) -> None:
        """Tell that events are at hand, the oldest of which was recorded at `since`."""
        self._progress.pending(since)

    def changing(self, changes: Sequence[Concerned], position: int) -> None:
        """Tell that the documents may show `changes`, up to `position`, from now on."""
        self._cache.changing(self._read_model, changes)
        self._progress.applying(position)

    def refused(self) -> None:
        """Tell that the store has refused what was `changing`, and shows none of it."""
        self._progress.not_applied()

    async def changed(self, position: int, notices: Sequence[DocumentChanged]) -> None:
        """Tell that the documents show all changes up to `position`."""
        self._cache.changed(self._read_model)
        self._progress.reached(position)
        await self._notices.publish_in_turns(notices)

    def unchanged(self, position: int) -> None:
        """Tell that no event up to `position` has changed a document."""
        self._progress.reached(position)
