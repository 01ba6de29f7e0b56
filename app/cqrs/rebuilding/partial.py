"""Some documents of a read model, made anew from the log in the place of those that serve.

Each document is what its changes have made of it, one after the other. The log is read while all
goes on, and the changes of the chosen documents are remembered. Then the projector stands still for a moment:
the documents are removed and made anew by the store, in one transaction that only succeeds if the checkpoint
is where the last of these changes was.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.cqrs.documents.read_model import Change, Filter, ReadModel
from app.cqrs.documents.store import ChangeImpossible, CheckpointMoved, Finder
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.impersonal import outline
from app.cqrs.log.events import EventLog, RecordedEvent, UnknownEvent
from app.cqrs.log.history import last_agreed
from app.cqrs.projecting.checkpointing import CheckpointMove
from app.cqrs.projecting.projector import Projector
from app.cqrs.rebuilding.differences import Report
from app.cqrs.rebuilding.records import NotPossible
from app.cqrs.rebuilding.selection import Concerning, Selected, Selection, limited

MOST_DOCUMENTS = 10_000
"""Documents that are made anew in one transaction, which takes about a second."""
MOST_CHANGES = 100_000
"""Changes of these documents, which are kept in memory meanwhile: about 200 MB."""
TOGETHER = 200
"""Events that are read at once, so that the process answers in between."""

_FORGOTTEN = UnknownEvent(data="")

logger = logging.getLogger(__name__)


class DocumentReplacer(Finder, Protocol):
    """A document store that replaces documents; it raises `ReadStoreUnavailable`."""

    async def replace(
        self,
        model: ReadModel,
        ids: Mapping[str, Sequence[str]],
        changes: Sequence[tuple[RecordedEvent, Change]],
        *,
        move: CheckpointMove,
    ) -> Report:
        """Remove the documents with these ids, by collection, and make them anew with `changes`, in order.

        It is one transaction with a move of the checkpoint, as `DocumentWriter.apply` makes it. Nothing is
        written if no document differs. Returns what was different; raises `CheckpointMoved` and
        `ChangeImpossible`.
        """


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """The outcome: what was different before."""

    report: Report
    position: int
    """The position of the documents, which is that of all others of the read model."""


class PartialRebuild:
    """Makes the selected documents anew."""

    def __init__(
        self, projector: Projector, selection: Selection, log: EventLog, store: DocumentReplacer
    ) -> None:
        self._projector = projector
        self._model = projector.model
        self._selection = selection
        self._log = log
        self._store = store
        self.position = 0
        """The position up to which the log was read, which it may be more than once."""

    async def run(self, serves: Callable[[Projector], bool] = lambda _: True) -> Replaced:
        """Carry it out if the projector `serves` to the end; raise `NotPossible`, and errors of stores."""
        self._refuse_if_failed()
        ids = await self._selected()
        concerning = Concerning(ids)
        read = 0
        async for events in self._events(0):
            read = self._take(concerning, events)
        async with self._projector.between_batches:
            self._refuse_if_failed()
            if not serves(self._projector):
                raise NotPossible(f"Other documents of {self._model.name} serve by now. Try again.")
            move = self._projector.move
            if move.end is None:
                raise NotPossible(f"{self._model.name} shows no event yet. Try again once it does.")
            end = move.end.position
            if read < end and (events := await self._log.read(after=read, limit=end - read)):
                read = self._take(concerning, events)
            if read != end or await last_agreed(self._log, [move.end]) is None:
                raise NotPossible(f"The log and the documents of {self._model.name} disagree. Try again.")
            return Replaced(report=await self._replace(ids, concerning, move), position=end)

    async def _replace(
        self, ids: Mapping[str, set[str]], concerning: Concerning, move: CheckpointMove
    ) -> Report:
        changes = [
            (event, change if change.where is None else replace(change, where=_limited(change, ids)))
            for event, change in concerning.changes
        ]
        announcer, is_same = self._projector.announcer, False
        announcer.replacing(self._model.collections)
        try:
            sorted_ids = {name: sorted(each) for name, each in ids.items()}
            report = await self._store.replace(self._model, sorted_ids, changes, move=move)
            is_same = report.is_clean
        except ChangeImpossible as reason:
            raise NotPossible(f"The documents can't be made anew: {reason}.") from reason
        except CheckpointMoved as reason:
            raise NotPossible("Another process has changed the documents meanwhile. Try again.") from reason
        finally:
            # Without an answer of the store, nobody knows which documents there are.
            announcer.replaced(nothing=is_same)
        if self._selection.document is not None and not report.compared:
            raise NotPossible(
                f"{self._model.name} has no document {self._selection.document}, and the log makes none. "
                "Give its id as comparisons name it, such as `product_listing/…`.",
                argument=self._selection.argument,
            )
        logger.info(
            "Documents were made anew: read_model=%s documents=%d differing=%d position=%d",
            self._model.name,
            report.compared,
            report.differing,
            move.start,
        )
        return report

    async def _selected(self) -> Mapping[str, set[str]]:
        """Return the ids of the selected documents, by collection."""
        selected, selection = Selected(self._model, self._selection), self._selection
        if selection.document is None:
            first = 0 if selection.since is None else selection.since - 1
            while True:
                selected.grows = False
                async for events in self._events(first):
                    selected.read(self._changes(events))
                    self._refuse_too_many(selected.count)
                if not selected.grows:
                    break
                first = 0  # Earlier events may have made documents that a condition has found.
        ids = {name: set(each) for name, each in selected.ids.items()}
        since = selection.since
        for collection in self._model.collections if since is not None else ():
            # Others may have left documents there that no event has made.
            late: Filter = {"position": {"$gte": since}}
            found = await self._store.find(collection, late, limit=MOST_DOCUMENTS + 1, fields=())
            ids.setdefault(collection.name, set()).update(each["_id"] for each in found)
        self._refuse_too_many(sum(map(len, ids.values())))
        if not any(ids.values()):
            raise NotPossible(
                f"No event {selection} concerns a document of {self._model.name}. Choose another read model, "
                "or look for the events with `events tail`.",
                argument=selection.argument,
            )
        return ids

    def _take(self, concerning: Concerning, events: Sequence[RecordedEvent]) -> int:
        """Take what concerns the documents; return the position of the last event."""
        # What the event says is in the change already: without it, many take less memory.
        concerning.take((replace(event, event=_FORGOTTEN), change) for event, change in self._changes(events))
        if len(concerning.changes) > MOST_CHANGES:
            raise NotPossible(
                f"The documents are made of more than {MOST_CHANGES:,} changes. Rebuild the whole read model "
                "instead, which changes nothing for those who read meanwhile.",
                argument=self._selection.argument,
            )
        return events[-1].position

    def _changes(self, events: Sequence[RecordedEvent]) -> Sequence[tuple[RecordedEvent, Change]]:
        try:
            return self._projector.changes_of(events)
        except Exception as error:
            raise NotPossible(
                f"An event between the positions {events[0].position} and {events[-1].position} can't be "
                f"projected ({outline(error)})."
            ) from error

    async def _events(self, after: int) -> AsyncIterator[Sequence[RecordedEvent]]:
        """Yield the events after a position up to that of the documents, which moves on meanwhile."""
        while (end := self._projector.progress.position) > after:
            events = await self._log.read(after=after, limit=min(TOGETHER, end - after))
            if not events:
                return
            yield events
            self.position = after = events[-1].position

    def _refuse_if_failed(self) -> None:
        progress = self._projector.progress
        if progress.doubted or (
            progress.state is ReadModelState.FAILED and self._projector.stopped_at is None
        ):
            raise NotPossible(
                f"The documents of {self._model.name} and the log disagree, or are being compared. "
                "Try again once `projections` shows it as LIVE."
            )

    def _refuse_too_many(self, count: int) -> None:
        if count > MOST_DOCUMENTS:
            raise NotPossible(
                f"More than {MOST_DOCUMENTS:,} documents of {self._model.name} would be made anew at once. "
                "Choose fewer, or rebuild the whole read model, which changes nothing for those who read "
                "meanwhile.",
                argument=self._selection.argument,
            )


def _limited(change: Change, ids: Mapping[str, set[str]]) -> Filter:
    return limited(change, sorted(ids.get(change.collection.name, ())))
