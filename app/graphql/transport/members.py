"""Those who subscribe to the same: what is made for all of them, and what waits for each."""

import asyncio
from collections.abc import Sequence
from typing import Any

from strawberry.types import ExecutionResult

from app.cqrs.sizes import compact
from app.graphql.execution.results import encoded
from app.graphql.execution.standing import Mark
from app.graphql.transport.executing import Item, raised
from app.graphql.transport.likeness import Likeness

MOST_WAITING = 256
"""Items that wait for one subscriber."""


class Made:
    """An item of an execution, encoded once for all who have missed as much before it."""

    def __init__(
        self, result: ExecutionResult, mark: Mark | None, lagged_at: Sequence[Sequence[str | int]]
    ) -> None:
        self.cursor = mark.cursor if mark else None
        self.document = mark.document if mark else None
        self.passed = mark.passed if mark else 0
        self._result = result
        self._lagged_at = lagged_at
        self._items: dict[int, Item] = {}

    def item(self, lagged: int) -> Item:
        """The item for a member who was not sent `lagged` others before it."""
        if lagged not in self._items:
            result = raised(self._result, self._lagged_at, lagged) if lagged else self._result
            self._items[lagged] = Item(compact(encoded(result)), self.cursor)
        return self._items[lagged]


class Member:
    """One subscriber: what waits to be sent, at most `MOST_WAITING` items, states conflated to the newest."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        """Of the last item that was sent."""
        self.execution: Execution | None = None
        self.is_behind = False
        """More documents have changed than may wait: what it was not sent must be read again."""
        self._lagged = 0
        self._waiting: dict[object, Made] = {}
        self._arrival: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    def offer(self, made: Made) -> None:
        """Puts an item behind those that wait; never blocks and never grows beyond the capacity."""
        key: object = made if made.document is None else made.document
        if older := self._waiting.pop(key, None):
            self._lagged += older.passed
        elif len(self._waiting) >= MOST_WAITING:
            oldest = self._waiting.pop(next(iter(self._waiting)))
            if oldest.document is None:
                self._lagged += oldest.passed
                self.cursor = self.cursor or oldest.cursor
            else:
                self.is_behind = True
        self._waiting[key] = made
        self._wake()

    def start_again(self) -> None:
        """Drops what waits, to be sent what has changed since `cursor` by another execution."""
        self._waiting.clear()
        self.is_behind, self._ended, self._error = False, False, None

    def take_lagged(self) -> int:
        """How much was passed over since this was last asked."""
        lagged, self._lagged = self._lagged, 0
        return lagged

    def end(self, error: Exception | None) -> None:
        """Nothing more will come."""
        self._ended, self._error = True, error
        self._wake()

    async def take(self) -> Made | None:
        """The oldest item that waits; `None` at the end, or raises why it ended."""
        while not self._waiting:
            if self._error:
                raise self._error
            if self._ended:
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        oldest = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting and self.execution:
            self.execution.room.set()
        return oldest

    def _wake(self) -> None:
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)


class Execution:
    """A subscription that is executed for its members."""

    task: asyncio.Task[None]

    def __init__(self, like: Likeness) -> None:
        self.like = like
        self.step: Any = None
        self.members: set[Member] = set()
        self.room = asyncio.Event()
        """Set once anyone waits for more: it goes as fast as its fastest member, and no faster."""

    def adopt(self, members: set[Member]) -> None:
        """From now on they are sent what this yields."""
        for member in members:
            member.execution = self
        self.members |= members
        self.room.set()

    def hand_out(self, made: Made) -> None:
        """Sends everyone an item."""
        self.room.clear()
        for member in self.members:
            member.offer(made)

    def end(self, error: Exception | None) -> None:
        """Tells everyone that this is all, or why."""
        for member in self.members:
            member.end(error)
