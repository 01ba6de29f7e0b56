"""Subscribers that share an execution, the items made for all of them, and the queue of each."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from strawberry.types import ExecutionResult

from app.cqrs.measured.tracing import Delivery
from app.cqrs.memory.sizes import compact
from app.graphql.execution.results import encoded
from app.graphql.execution.subscription_state import ItemMetadata
from app.graphql.streaming.executing import Item, with_more_lagged
from app.graphql.streaming.sharing import SharingKey

MOST_QUEUED = 256
"""Items in one subscriber's queue."""

PUBLISHED_AT_ONCE = 50
"""Subscribers that get an item before others have a turn: sending it takes some 20 microseconds for each."""


class SharedItem:
    """An item of an execution, encoded once for all subscribers that have missed equally many before it."""

    def __init__(
        self,
        result: ExecutionResult,
        metadata: ItemMetadata | None,
        lagged_at: Sequence[Sequence[str | int]],
    ) -> None:
        self.cursor = metadata.cursor if metadata else None
        self.document = metadata.document if metadata else None
        self.changes = metadata.changes if metadata else 0
        self.continues = metadata.continues if metadata else False
        self._result = result
        self._lagged_at = lagged_at
        self._items: dict[int, Item] = {}
        self.delivery: Delivery | None = None
        """The delivery, if that is a part of a trace."""

    def item(self, lagged: int) -> Item:
        """Return the item for a subscriber that was not sent `lagged` changes before it."""
        if lagged not in self._items:
            result = with_more_lagged(self._result, self._lagged_at, lagged) if lagged else self._result
            self._items[lagged] = Item(compact(encoded(result)), self.cursor)
        return self._items[lagged]


class Subscriber:
    """A subscriber with its queue of at most `MOST_QUEUED` items; of each document only the newest state.

    If it has taken all items and waits, the next one is sent by `at_once`, which returns whether it could be:
    to wake those who wait takes longer than to send what they wait for.
    """

    def __init__(
        self, cursor: str | None, at_once: Callable[[SharedItem], bool] = lambda _item: False
    ) -> None:
        self._at_once = at_once
        self.cursor = cursor
        """The cursor of the last item that was sent."""
        self.execution: SharedExecution | None = None
        self.is_behind = False
        """True if states were dropped that must be read again: there were more than the queue holds."""
        self._lagged = 0
        self._queue: dict[object, SharedItem] = {}
        self._arrival: asyncio.Future[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    def offer(self, item: SharedItem) -> None:
        """Send an item, or queue it and drop an older state; drop the oldest item if the queue is full."""
        if self._waits and self._at_once(item):
            self.cursor = item.cursor or self.cursor
            if self.execution:
                self.execution.more_wanted.set()
            return
        key: object = item if item.document is None else item.document
        if older := self._queue.pop(key, None):
            self._lagged += older.changes
        elif len(self._queue) >= MOST_QUEUED:
            oldest = self._queue.pop(next(iter(self._queue)))
            if oldest.document is None and not oldest.continues:
                self._lagged += oldest.changes
                self.cursor = self.cursor or oldest.cursor
            else:
                self.is_behind = True
        self._queue[key] = item
        self._wake()

    def restart(self) -> None:
        """Empty the queue, because another execution will send everything that changed since `cursor`."""
        self._queue.clear()
        self.is_behind, self._ended, self._error = False, False, None

    def take_lagged(self) -> int:
        """Return how many changes were skipped since the last call."""
        lagged, self._lagged = self._lagged, 0
        return lagged

    def end(self, error: Exception | None) -> None:
        """End the queue after its last item, with an error if there is one."""
        self._ended, self._error = True, error
        self._wake()

    async def take(self) -> SharedItem | None:
        """Wait for the oldest item and return it; at the end return `None`, or raise the error."""
        while not self._queue:
            if self._error:
                raise self._error
            if self._ended:
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        oldest = self._queue.pop(next(iter(self._queue)))
        if not self._queue and self.execution:
            self.execution.more_wanted.set()
        return oldest

    @property
    def _waits(self) -> bool:
        """True if somebody waits for the next item: then all before it were taken, and none was skipped."""
        return self._arrival is not None and not self._arrival.done()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class SharedExecution:
    """An execution of a subscription that several subscribers share."""

    task: asyncio.Task[None]

    def __init__(self, key: SharingKey) -> None:
        self.key = key
        self.step: Any = None
        self.subscribers: set[Subscriber] = set()
        self.more_wanted = asyncio.Event()
        """Set once a queue is empty: the execution is as fast as its fastest subscriber, and no faster."""

    def take_over(self, subscribers: set[Subscriber]) -> None:
        """Send the items that follow to these subscribers, too."""
        for subscriber in subscribers:
            subscriber.execution = self
        self.subscribers |= subscribers
        self.more_wanted.set()

    async def publish(self, item: SharedItem) -> None:
        """Send an item to each subscriber that waits for it, and append it to the queues of the others.

        Nobody joins meanwhile: an execution is offered to others before an item, and after it.
        """
        self.more_wanted.clear()
        for number, subscriber in enumerate([*self.subscribers], 1):
            if subscriber.execution is self:
                subscriber.offer(item)
            if number % PUBLISHED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def end(self, error: Exception | None) -> None:
        """End the queues of all subscribers, with an error if there is one."""
        for subscriber in self.subscribers:
            subscriber.end(error)
