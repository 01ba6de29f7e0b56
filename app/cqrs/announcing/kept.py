"""The notices in the announcements that were kept, for subscribers who resume in a process that is new."""

from app.cqrs.announcing.messages import Announcement, Began, Changed, notices_in
from app.cqrs.documents.store import DocumentChanged


class KeptNotices:
    """The notices about the documents of one read model since the last gap between announcements."""

    def __init__(self) -> None:
        self.notices: list[DocumentChanged] = []
        self.since = 0
        """The position after which no notice is missing."""
        self.reached = 0
        """The position up to which the notices tell all changes."""
        self.teller = ""
        self.number = 0
        """The number of the last announcement among those of its teller that are kept."""

    def add(self, teller: str, told: Announcement) -> None:
        """Add the next announcement; those that are not kept for this purpose make no difference."""
        if not isinstance(told, (Began, Changed)):
            return
        follows = teller == self.teller and told.kept == self.number + 1
        if isinstance(told, Began):
            # Another projector may begin before the last position: no event since then changes a document.
            if told.log_set_back or (not (follows and told.gapless) and told.position > self.reached):
                self._restart(told.position)
        else:
            if not follows:
                self._restart(told.since)
            self.notices += notices_in(told.notices)
            self.reached = told.position
        self.teller, self.number = teller, told.kept

    def _restart(self, position: int) -> None:
        self.notices.clear()
        self.since = self.reached = position
