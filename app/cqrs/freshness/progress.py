"""How far each read model has come, and how fresh its answers are."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from app.cqrs.log.head import Head


class ReadModelState(Enum):
    """What a read model is doing."""

    CATCHING_UP = "CATCHING_UP"
    LIVE = "LIVE"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Which position an answer reflects, and how far that is behind the log."""

    read_model: str
    state: ReadModelState
    position: int
    head: int
    milliseconds_behind: int
    """The age of the oldest event that is not applied; 0 where there is none."""
    reason: str | None = None
    """Why the read model failed."""

    @property
    def events_behind(self) -> int:
        """How many events are not applied."""
        return max(0, self.head - self.position)


class ReadModelBehind(Exception):
    """A read model did not reach the position that was asked for in time."""

    def __init__(self, wanted: int, freshness: Freshness) -> None:
        reached = f"{freshness.read_model} has reached position {freshness.position}, not {wanted} yet"
        if wanted <= freshness.position:
            reached = f"{freshness.read_model} is comparing its documents with the log"
        failed = f"; it failed: {freshness.reason}" if freshness.reason else "; try again"
        super().__init__(reached + failed)
        self.wanted = wanted
        self.freshness = freshness


class Progress:
    """One read model's progress; only its projector moves it."""

    def __init__(self, read_model: str, head: Head) -> None:
        self.read_model = read_model
        self.head = head
        self.position = 0
        self.visible = 0
        """The highest position that the documents may show by now: a commit is seen before it is reported."""
        self.doubted = False
        """Whether the documents may have been put back since `position` was reached."""
        self.doubts = 0
        """How often that was doubted: a read that began before the last doubt may show anything."""
        self.state = ReadModelState.CATCHING_UP
        self.reason: str | None = None
        self._pending_since: datetime | None = None
        self._at_head: Freshness | None = None
        """What `freshness` is while nothing happens: most answers are given then."""
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._live = asyncio.Event()
        self._watchers: list[Callable[[Progress], None]] = []
        self._given_up = 0
        """How many waits were given up since `_waiting` was last cleared of them."""

    def watch(self, moved: Callable[["Progress"], None]) -> None:
        """Have `moved` called with this progress each time that its position or state may have changed."""
        self._watchers.append(moved)

    def pending(self, since: datetime) -> None:
        """Events are at hand that are not applied yet, the oldest from `since`."""
        self._pending_since = since

    def applying(self, position: int) -> None:
        """From now on documents may show all up to `position`."""
        self.visible = position

    def not_applied(self) -> None:
        """Take back `applying`: the store has refused the change, and shows none of it."""
        self.visible = self.position

    def doubt(self) -> None:
        """Satisfy no token until `trust` is called: the documents may have been lost or put back."""
        self.doubted = True
        self.doubts += 1
        if self.state is ReadModelState.LIVE:
            self.catching_up()

    def trust(self) -> None:
        """End the doubt: the documents were compared, and show all up to `position`."""
        if self.doubted:
            self.doubted = False
            self._wake()
            self._moved()

    def holds(self, position: int) -> bool:
        """Whether a read made now is certain to show all up to `position`."""
        return position <= self.position and not (self.doubted and position)

    def reached(self, position: int) -> None:
        """All up to `position` is in the documents: wakes who waited for it."""
        self.position = self.visible = position
        self._pending_since = self._at_head = None
        if not self.doubted:
            self._wake()
        self._moved()

    def live(self) -> None:
        """Everything that was in the log is applied."""
        self._be(ReadModelState.LIVE)

    def catching_up(self) -> None:
        """Events are missing that have to be read from the log."""
        self._be(ReadModelState.CATCHING_UP)

    def failed(self, reason: str) -> None:
        """The projector stopped at an event: who waits for more is told at once."""
        self._be(ReadModelState.FAILED, reason)
        for wanted, _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ReadModelBehind(wanted, self.freshness()))
        self._waiting.clear()

    async def wait_for(self, position: int, seconds: float) -> None:
        """Returns once `position` is reached; raises `ReadModelBehind` after `seconds`, or on failure."""
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
            waiter.cancel()  # has no effect on a waiter that was woken
            if waiter.cancelled():
                self._give_up()

    async def until_live(self) -> None:
        """Return once the read model is live, at once where it is."""
        await self._live.wait()

    def _give_up(self) -> None:
        # A crowd may time out together, and to search the heap for each of them costs the square of their
        # number: entries of waiters that gave up stay until they are half of the heap, and go together.
        self._given_up += 1
        if 2 * self._given_up >= len(self._waiting):
            self._waiting = [entry for entry in self._waiting if not entry[2].cancelled()]
            heapq.heapify(self._waiting)
            self._given_up = 0

    def freshness(self) -> Freshness:
        """How fresh the read model is now."""
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
        )

    def _be(self, state: ReadModelState, reason: str | None = None) -> None:
        self.state, self.reason, self._at_head = state, reason, None
        if state is ReadModelState.LIVE:
            self._live.set()
        else:
            self._live.clear()
        self._moved()

    def _moved(self) -> None:
        for moved in self._watchers:
            moved(self)
