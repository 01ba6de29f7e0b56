"""One read model as this process hears of it from projectors."""

from collections.abc import Callable, Sequence
from time import monotonic

from app.cqrs.announcing.announcer import Announcer
from app.cqrs.announcing.kept import KeptNotices
from app.cqrs.announcing.messages import (
    Announcement,
    Beats,
    Began,
    Changed,
    Changing,
    Refused,
    Stands,
    Unchanged,
    notices_in,
)
from app.cqrs.announcing.read_node import ReadNode, WhereWritten
from app.cqrs.announcing.recent_events import RecentEvents, changes_of
from app.cqrs.documents.generations import Generation
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.documents.store import DocumentChanged
from app.cqrs.freshness.progress import ReadModelState
from app.cqrs.live.notices import Notices

SILENCE = 1.0
"""Seconds without a sign of life after which the read model counts as unheard."""


class HeardModel:
    """Passes on what projectors tell of one read model, and notices what was lost on the way.

    Each announcement of a projector is true by itself, whoever tells it: where documents are complete. What
    happened in between is known only if none of its announcements is missing.

    A change is passed on once the node that this process reads from shows it. An answer that was read from
    there before, and an answer that was kept, would be taken for newer than they are.
    """

    def __init__(
        self,
        model: ReadModel,
        announcer: Announcer,
        *,
        own: Generation,
        notices: Notices,
        events: RecentEvents,
        serve: Callable[[ReadModel], None],
        node: ReadNode | None = None,
    ) -> None:
        """Begin with the documents of `model`; call `serve` with those of another generation that serves.

        `own` is any generation of this program's code. The first documents may be those of an earlier one.
        They are read from `node`, by default the one that is written to.
        """
        self._model, self._own = model, own
        self._announcer = announcer
        self._notices = notices
        self._events = events
        self._serve = serve
        self._node = node or WhereWritten()
        self._teller = ""
        self._number = self._kept = 0
        """The numbers of the last announcement of this teller, and of the last one that is kept."""
        self._changed_at = 0
        """The position of the last event that is known to have changed a document."""
        self._parts: list[DocumentChanged] = []
        self._own_doubt = False
        """True if this process doubts the documents, whatever projectors say."""
        self.heard_at = 0.0
        """The time of the last announcement that was passed on, by the monotonic clock."""

    @property
    def name(self) -> str:
        """The name of the read model."""
        return self._model.name

    @property
    def generation(self) -> Generation:
        """The generation of the documents that are read."""
        return self._model.generation

    @property
    def is_silent(self) -> bool:
        """True if no projector was heard for `SILENCE` seconds, or if what they say is not enough."""
        return self._own_doubt or monotonic() > self.heard_at + SILENCE

    def doubt(self) -> None:
        """Rely on nothing that was heard until now."""
        self._own_doubt, self._teller = True, ""
        self._announcer.progress.doubt()

    async def remember(self, told: Sequence[tuple[str, Announcement]]) -> None:
        """Learn the notices of the announcements that were kept, oldest first, from the last gap on."""
        kept = KeptNotices()
        for teller, each in told:
            if each.documents == self._model.key:
                kept.add(teller, each)
        self._teller, self._kept, self._number = kept.teller, kept.number, 0
        self._changed_at = kept.reached
        self._announcer.progress.reached(kept.reached)
        self._notices.begin(self.name, kept.since)
        self._notices.publish(kept.notices)
        if not await self._node.shows(self._model.key, kept.reached):
            self.doubt()

    def found_at(self, position: int) -> None:
        """Pass on the position of the documents in the store, while no projector is heard."""
        progress = self._announcer.progress
        # The stored position may be behind what was told, over events that change no document.
        if position > progress.position or position < self._changed_at or progress.doubted:
            self._begin(position)
        self._own_doubt = False
        progress.trust()
        if progress.state is ReadModelState.CATCHING_UP and progress.head.position <= position:
            progress.live()

    async def heed(self, teller: str, told: Announcement) -> None:
        """Pass on an announcement."""
        if told.documents != self._model.key and not await self._follow(told):
            return None
        log_set_back = isinstance(told, Began) and told.log_set_back
        if self._own_doubt and not log_set_back:  # The position is asked for first.
            return None
        known = teller == self._teller
        if isinstance(told, Beats):
            return await self._beats(teller, told)
        if known and told.number <= self._number:
            self.heard_at = monotonic()
            return None
        in_order = known and told.number == self._number + 1
        shown = await self._is_shown(told, in_order=in_order)
        if not shown and not log_set_back:
            # The position is asked for, or the next sign of life says it.
            return self.doubt() if in_order else None
        # Not before: kept answers would be used, and nobody would ask the store, though changes were missed.
        self.heard_at = monotonic()
        self._teller, self._number = teller, told.number
        if isinstance(told, (Began, Changed)):
            self._kept = told.kept
        await self._pass_on(told, in_order=in_order)
        return None if shown else self.doubt()

    async def _beats(self, teller: str, told: Beats) -> None:
        known = teller == self._teller
        # In silence, the position may have been set to the stored one, which may be behind what was told.
        is_ahead = told.number == self._number and told.position > self._announcer.progress.position
        if not known or told.number > self._number or is_ahead:
            nothing_changed = known and told.kept == self._kept
            if not nothing_changed and not await self._is_level():
                return
            self._continue(told.position, nothing_changed=nothing_changed)
            self._teller, self._number, self._kept = teller, told.number, told.kept
        self.heard_at = monotonic()
        self._stands(told)

    async def _is_shown(self, told: Announcement, *, in_order: bool) -> bool:
        """Wait until the documents that are read show what was told, or return false."""
        if not in_order:
            return await self._is_level()
        if isinstance(told, Began) and not told.gapless:
            return await self._is_level()
        if isinstance(told, Changed) and not told.more:
            doubts = self._announcer.progress.doubts
            shown = await self._node.shows(told.documents, told.position)
            return shown and self._announcer.progress.doubts == doubts
        return True

    async def _is_level(self) -> bool:
        doubts = self._announcer.progress.doubts
        level = await self._node.is_level(self._model.key)
        return level and self._announcer.progress.doubts == doubts

    async def _pass_on(self, told: Announcement, *, in_order: bool) -> None:
        announcer = self._announcer
        match told:
            case Began():
                self._began(told, in_order=in_order)
            case Changing():
                if not in_order:
                    self._begin(max(told.since, announcer.progress.position))
                await self._events.arrive(told.position)
                events = self._events.between(told.since, told.position)
                if events:
                    announcer.pending(events[0].occurred_at)
                announcer.changing(changes_of(self._model, events, told.affected), told.position)
            case Refused():
                announcer.refused()
                if not in_order:
                    self._begin(announcer.progress.position)
            case Changed():
                await self._changed(told, in_order=in_order)
            case Unchanged():
                if in_order:
                    announcer.unchanged(told.position)
                else:
                    self._begin(told.position)
            case Stands():
                if not in_order:
                    self._continue(told.position, nothing_changed=False)
                self._stands(told)

    def _began(self, told: Began, *, in_order: bool) -> None:
        if told.log_set_back:
            self._events.forget()
            self._parts.clear()
            self._changed_at = told.position
            self._announcer.started(told.position, gapless=False, log_set_back=True)
            self._announcer.progress.trust()
        else:
            self._continue(told.position, nothing_changed=in_order and told.gapless)

    async def _changed(self, told: Changed, *, in_order: bool) -> None:
        if not in_order:
            self._parts.clear()
            return self._begin(told.position)
        self._parts += notices_in(told.notices)
        if not told.more:
            notices, self._parts = self._parts, []
            self._changed_at = told.position
            await self._announcer.changed(told.position, notices)
        return None

    def _stands(self, told: Stands) -> None:
        progress = self._announcer.progress
        if told.doubted:
            progress.doubt()
        elif not self._own_doubt:
            progress.trust()
        if progress.events_skipped != told.skipped:
            progress.skips(told.skipped)
        if told.state is ReadModelState.FAILED:
            if told.position < self._changed_at:  # These documents satisfy no token.
                progress.reached(told.position)
            if progress.state is not ReadModelState.FAILED:
                progress.failed(told.reason or "")
        elif told.state is not progress.state:
            (progress.live if told.state is ReadModelState.LIVE else progress.catching_up)()

    def _continue(self, position: int, *, nothing_changed: bool) -> None:
        """Continue with documents that are complete up to `position`, told by whichever projector.

        If all changes up to there were announced, nobody misses any. That is so if none was made, or if this
        process knows a later position: the stored one may be behind, over events that change no document.
        """
        progress = self._announcer.progress
        if self._changed_at <= position and (nothing_changed or position <= progress.position):
            self._parts.clear()
            latest = max(position, progress.position)
            self._announcer.started(latest, gapless=True, log_set_back=False)
        else:
            self._begin(position)
        if not self._own_doubt:
            progress.trust()

    def _begin(self, position: int) -> None:
        self._parts.clear()
        self._changed_at = position
        self._announcer.started(position, gapless=False, log_set_back=False)

    async def _follow(self, told: Announcement) -> bool:
        """Read the documents that are told of, if they are those of this code; return whether they are."""
        generation = Generation.of_key(told.documents)
        if not generation.is_of_same_code(self._own) or not await self._node.is_level(told.documents):
            return False
        self._model = self._model.of(generation)
        self._serve(self._model)
        self._teller = ""
        self._announcer.begin_anew(self._announcer.progress.position, log_set_back=True)
        return True
