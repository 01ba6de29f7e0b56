"""Announcements of changed documents, in the only order that keeps every reader consistent."""

from collections.abc import Sequence
from datetime import datetime

from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress, ReadModelState
from app.cqrs.lists.concerned import ConcernedLists
from app.cqrs.live.notices import Notices
from app.cqrs.reading.cache import ReadCache
from app.cqrs.reading.recent_changes import ChangeWithIds


class Announcer:
    """Announces the changes of one read model to the cache, to lists, to waiting reads, and to subscribers.

    Before a transaction, the cache drops the answers that it will make stale: the documents may show the
    change before the store has answered, and a client that has seen it must not receive the older answer
    again. After the transaction, the concerned lists are stale before the position is reached: whoever waited
    for it and then follows a list is not shown the page before the change. The position is reached before
    the notices go out: a subscriber that reads because of a notice finds the change without waiting for it.
    """

    def __init__(
        self, *, progress: Progress, notices: Notices, cache: ReadCache, lists: ConcernedLists
    ) -> None:
        self._read_model = progress.read_model
        self._progress = progress
        self._notices = notices
        self._cache = cache
        self._lists = lists

    @property
    def answers_are_kept(self) -> bool:
        """True if there may be cached answers or lists, so that affected documents are worth finding."""
        kept = len(self._cache) > 0 or self._lists.follow(self._read_model)
        return kept and self._progress.state is ReadModelState.LIVE

    def started(self, position: int, *, gapless: bool, log_set_back: bool) -> None:
        """Announce that the documents are complete up to `position`, with no transaction in progress.

        `gapless` means that all changes up to there were announced; `log_set_back` means that the log has
        lost announced events.
        """
        if not gapless:
            self._notices.begin(self._read_model, position, log_set_back=log_set_back)
        self._cache.settled(self._read_model)
        self._lists.settled(self._read_model, gapless=gapless, log_set_back=log_set_back)
        self._progress.reached(position)

    def pending(self, since: datetime) -> None:
        """Announce that events are to be applied, the oldest of which was recorded at `since`."""
        self._progress.pending(since)

    def changing(self, changes: Sequence[ChangeWithIds], position: int) -> None:
        """Announce that the documents may show `changes`, up to `position`, from now on."""
        self._cache.changing(self._read_model, changes)
        self._lists.changing(self._read_model, changes)
        self._progress.applying(position)

    def refused(self) -> None:
        """Announce that the store has refused the last `changing`, and shows none of it."""
        self._lists.refused(self._read_model)
        self._progress.not_applied()

    async def changed(self, position: int, notices: Sequence[DocumentChanged]) -> None:
        """Announce that the documents show all changes up to `position`."""
        self._cache.changed(self._read_model)
        self._lists.changed(self._read_model)
        self._progress.reached(position)
        await self._notices.publish_in_steps(notices)

    def unchanged(self, position: int) -> None:
        """Announce that no further event up to `position` changes a document."""
        self._progress.reached(position)
