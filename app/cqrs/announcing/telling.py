"""The telling of a projector's announcements to other processes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from app.cqrs.announcing.messages import (
    Announcement,
    Beats,
    Began,
    Changed,
    Changing,
    Packet,
    Refused,
    Stands,
    Unchanged,
    encoded,
    rows_of,
)
from app.cqrs.announcing.transport import Announcements
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import Progress
from app.cqrs.reading.recent_changes import ChangeWithIds

BEAT = 0.25
"""Seconds between two signs of life."""

MOST_NOTICES = 1_000
"""Notices in one message: about 200 kB."""


@dataclass
class Numbers:
    """The numbers of the last announcement about a read model, and of the last one that is kept.

    They go on when this process projects the read model again after another one did: announcements with
    numbers that were heard before would be taken for repeats.
    """

    last: int = 0
    kept: int = 0


class Teller:
    """Tells other processes what happens to the documents that this one projects.

    What is announced within one step of the event loop travels together.
    """

    def __init__(self, transport: Announcements) -> None:
        self._transport = transport
        self._id = uuid4().hex
        self._untold: list[Announcement] = []
        self._tellings: list[Telling] = []
        self._numbers: defaultdict[str, Numbers] = defaultdict(Numbers)

    def of(self, progress: Progress) -> "Telling":
        """Return the telling about the read model with this progress."""
        telling = Telling(progress, self, self._numbers[progress.read_model])
        self._tellings.append(telling)
        return telling

    def forget(self, telling: "Telling") -> None:
        """Give no further signs of life about a read model."""
        self._tellings.remove(telling)

    def tell(self, announcement: Announcement) -> None:
        """Tell an announcement with the others of this step."""
        if not self._untold:
            asyncio.get_running_loop().call_soon(self._send)
        self._untold.append(announcement)
        if isinstance(announcement, Changed) and announcement.more:
            self._send()

    async def beat(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            self.sign()
            await asyncio.sleep(BEAT)

    def sign(self) -> None:
        """Give one sign of life about each read model."""
        for telling in self._tellings:
            telling.beat()

    def _send(self) -> None:
        told, self._untold = self._untold, []
        if told:
            kept = any(isinstance(each, (Began, Changed)) for each in told)
            self._transport.tell(encoded(Packet(self._id, told)), kept=kept)


class Telling:
    """The announcements about one read model, each with its number, so that a lost one is noticed."""

    def __init__(self, progress: Progress, teller: Teller, numbers: Numbers) -> None:
        self._progress = progress
        self._teller = teller
        self._documents = ""
        self._numbers = numbers
        self._since = 0
        self._stood: dict[str, Any] = {}
        progress.watch(self._moved)

    def began(self, documents: str, position: int, *, gapless: bool, log_set_back: bool) -> None:
        """Tell that these documents are read, complete up to `position`, and that nobody changes them."""
        self._documents, self._since = documents, position
        self._teller.tell(
            Began(
                documents=documents,
                number=self._next(),
                position=position,
                kept=self._next_kept(),
                gapless=gapless,
                log_set_back=log_set_back,
            )
        )

    def changing(self, changes: Sequence[ChangeWithIds], position: int) -> None:
        """Tell that the documents may show `changes`, up to `position`, from now on."""
        affected = [None if ids is None else tuple(ids) for change, ids in changes if change.id is None]
        self._teller.tell(
            Changing(
                documents=self._documents,
                number=self._next(),
                since=self._since,
                position=position,
                affected=affected,
            )
        )

    def refused(self) -> None:
        """Tell that the documents show nothing of the last `changing`."""
        self._teller.tell(Refused(documents=self._documents, number=self._next()))

    def changed(self, position: int, notices: Sequence[DocumentChanged]) -> None:
        """Tell that the documents show all changes up to `position`."""
        for part, more in _parts(notices):
            self._teller.tell(
                Changed(
                    documents=self._documents,
                    number=self._next(),
                    since=self._since,
                    position=position,
                    kept=self._next_kept(),
                    notices=rows_of(part),
                    more=more,
                )
            )
        self._since = position

    def unchanged(self, position: int) -> None:
        """Tell that no further event up to `position` changes a document."""
        self._since = position
        self._teller.tell(Unchanged(documents=self._documents, number=self._next(), position=position))

    def end(self) -> None:
        """Tell nothing more, because another process may project now."""
        self._documents = ""
        self._teller.forget(self)

    def beat(self) -> None:
        """Tell that this process is alive, unless it has no documents yet."""
        if self._documents:
            numbers = self._numbers
            self._teller.tell(
                Beats(documents=self._documents, number=numbers.last, kept=numbers.kept, **self._standing())
            )

    def _moved(self, _progress: Progress) -> None:
        stands = self._standing()
        now = {name: value for name, value in stands.items() if name != "position"}
        if now != self._stood and self._documents:
            self._stood = now
            self._teller.tell(Stands(documents=self._documents, number=self._next(), **stands))

    def _standing(self) -> dict[str, Any]:
        stands = self._progress.standing
        return {
            "position": self._since if stands.position else 0,
            "state": stands.state,
            "doubted": stands.doubted,
            "reason": stands.reason,
            "skipped": self._progress.events_skipped,
        }

    def _next(self) -> int:
        self._numbers.last += 1
        return self._numbers.last

    def _next_kept(self) -> int:
        self._numbers.kept += 1
        return self._numbers.kept


def _parts(notices: Sequence[DocumentChanged]) -> Iterable[tuple[Sequence[DocumentChanged], bool]]:
    """Yield notices in parts, each with whether others follow; one empty part if there are none."""
    for start in range(0, max(1, len(notices)), MOST_NOTICES):
        yield notices[start : start + MOST_NOTICES], start + MOST_NOTICES < len(notices)
