"""The progress of read models, and the freshness of their answers."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from app.cqrs.log.head import Head


class ReadModelState(Enum):
    """The state of a read model."""

    CATCHING_UP = "CATCHING_UP"
    LIVE = "LIVE"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The position that an answer reflects, and its lag behind the log."""

    read_model: str
    state: ReadModelState
    position: int
    head: int
    milliseconds_behind: int
    """The age of the oldest event that is not applied, in milliseconds; 0 if there is none."""
    reason: str | None = None
    """The reason for the failure; `None` if the read model has not failed."""
    events_skipped: int = 0
    """The number of events that operators have had the read model skip."""

    @property
    def events_behind(self) -> int:
        """The number of events that are not applied."""
        return max(0, self.head - self.position)


class ReadModelBehind(Exception):
    """A read model has not reached the requested position in time."""

    def __init__(self, wanted: int, freshness: Freshness) -> None:
        reached = f"{freshness.read_model} has reached position {freshness.position}, not {wanted} yet"
        if wanted <= freshness.position:
            reached = f"{freshness.read_model} is comparing its documents with the log"
        failed = f"; it failed: {freshness.reason}" if freshness.reason else "; try again"
        super().__init__(reached + failed)
        self.wanted = wanted
        self.freshness = freshness


@dataclass(frozen=True, kw_only=True)
class LastError:
    """The newest error that kept a read model from applying events, without personal data."""

    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The position and state of the documents of one generation."""

    position: int
    doubted: bool
    pending_since: datetime | None
    state: ReadModelState
    reason: str | None


class Progress:
    """The progress of one read model; only its projector updates it."""

    def __init__(self, read_model: str, head: Head) -> None:
        self.read_model = read_model
        self.head = head
        self.position = 0
        self.visible = 0
        """The highest position that documents may show: a commit is visible before the store reports it."""
        self.announced = 0
        """The same, as far as a projector has said so: documents may show more before that is heard."""
        self.doubted = False
        """True if the documents may have been set back since `position` was reached."""
        self.doubts = 0
        """The number of calls of `doubt`: a read that began before the last may show an earlier state."""
        self.state = ReadModelState.CATCHING_UP
        self.reason: str | None = None
        self.last_error: LastError | None = None
        """The newest error of this process; `None` if there was none."""
        self.events_skipped = 0
        self._pending_since: datetime | None = None
        self._at_head: Freshness | None = None
        """The cached result of `freshness`, valid while no event is pending."""
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._live = asyncio.Event()
        self._watchers: list[Callable[[Progress], None]] = []
        self._cancelled = 0
        """Cancelled waits that are still in `_waiting`."""

    def watch(self, moved: Callable[["Progress"], None]) -> None:
        """Register `moved`, to be called with this progress when its position or state may have changed."""
        self._watchers.append(moved)

    def pending(self, since: datetime) -> None:
        """Record that events are not applied yet, the oldest of which was recorded at `since`."""
        self._pending_since = since

    def applying(self, position: int) -> None:
        """Record that documents may show all events up to `position` from now on."""
        self.visible = self.announced = position

    def shows(self, position: int) -> None:
        """Record that documents were read that show all events up to `position`, before this is announced."""
        self.visible = max(self.visible, position)

    def not_applied(self) -> None:
        """Undo `applying`, because the store has refused the change and shows none of it."""
        self.visible = self.announced = self.position

    def doubt(self) -> None:
        """Satisfy no token until `trust` is called, because the documents may have been lost or set back."""
        self.doubted = True
        self.doubts += 1
        if self.state is ReadModelState.LIVE:
            self.catching_up()

    def trust(self) -> None:
        """End the doubt, because the documents were compared and contain all events up to `position`."""
        if self.doubted:
            self.doubted = False
            self._wake()
            self._moved()

    def holds(self, position: int) -> bool:
        """Return whether a read that begins now is certain to show all events up to `position`."""
        return position <= self.position and not (self.doubted and position)

    def reached(self, position: int) -> None:
        """Record that the documents contain all events up to `position`; wake the waiters for it."""
        self.position = self.visible = self.announced = position
        self._pending_since = self._at_head = None
        if not self.doubted:
            self._wake()
        self._moved()

    def live(self) -> None:
        """Set the state to `LIVE`: all events in the log are applied."""
        self._set_state(ReadModelState.LIVE)

    def catching_up(self) -> None:
        """Set the state to `CATCHING_UP`: missing events must be read from the log."""
        self._set_state(ReadModelState.CATCHING_UP)

    def skips(self, count: int) -> None:
        """Record the number of events that operators have had the read model skip."""
        self.events_skipped, self._at_head = count, None

    def failed(self, reason: str) -> None:
        """Set the state to `FAILED`; raise `ReadModelBehind` in all waiters at once."""
        self.erred(reason)
        self._set_state(ReadModelState.FAILED, reason)
        for wanted, _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ReadModelBehind(wanted, self.freshness()))
        self._waiting.clear()

    def erred(self, reason: str) -> None:
        """Record an error after which events are applied again, from the checkpoint on."""
        self.last_error = LastError(at=datetime.now(UTC), reason=reason)

    async def wait_for(self, position: int, seconds: float) -> None:
        """Wait until `position` is reached; raise `ReadModelBehind` after `seconds`, or on failure."""
        if self.holds(position):
            return
        if self.state is ReadModelState.FAILED:
            raise ReadModelBehind(position, self.freshness())
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (position, next(self._arrivals), waiter))
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            raise ReadModelBehind(position, self.freshness()) from None
        finally:
            waiter.cancel()  # no effect on a waiter that was woken
            if waiter.cancelled():
                self._count_cancelled()

    async def until_live(self) -> None:
        """Wait until the read model is live."""
        await self._live.wait()

    @property
    def standing(self) -> "Standing":
        """The position and state, while no transaction is in progress."""
        return Standing(
            position=self.position,
            doubted=self.doubted,
            pending_since=self._pending_since,
            state=self.state,
            reason=self.reason,
        )

    def continue_at(self, standing: "Standing") -> None:
        """Continue at the position and in the state of other documents, which are read from now on."""
        self.position = self.visible = self.announced = standing.position
        self.doubted, self._pending_since = standing.doubted, standing.pending_since
        if not self.doubted:
            self._wake()
        self._set_state(standing.state, standing.reason)

    def _count_cancelled(self) -> None:
        # Thousands of waiters may time out together. Searching the heap for each of them would take quadratic
        # time: cancelled entries stay until they are half of the heap, and are removed together.
        self._cancelled += 1
        if 2 * self._cancelled >= len(self._waiting):
            self._waiting = [entry for entry in self._waiting if not entry[2].cancelled()]
            heapq.heapify(self._waiting)
            self._cancelled = 0

    def freshness(self) -> Freshness:
        """Return the current freshness of the read model."""
        if self.head.position > self.position:
            since = self._pending_since or self.head.at
            age = (datetime.now(UTC) - since).total_seconds() * 1000
            return self._freshness(self.head.position, max(0, round(age)))
        if self._at_head is None:
            self._at_head = self._freshness(self.position, 0)
        return self._at_head

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.position:
            _, _, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)

    def _freshness(self, head: int, milliseconds_behind: int) -> Freshness:
        return Freshness(
            read_model=self.read_model,
            state=self.state,
            position=self.position,
            head=head,
            milliseconds_behind=milliseconds_behind,
            reason=self.reason,
            events_skipped=self.events_skipped,
        )

    def _set_state(self, state: ReadModelState, reason: str | None = None) -> None:
        self.state, self.reason, self._at_head = state, reason, None
        if state is ReadModelState.LIVE:
            self._live.set()
        else:
            self._live.clear()
        self._moved()

    def _moved(self) -> None:
        for moved in self._watchers:
            moved(self)
