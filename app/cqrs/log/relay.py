"""The relay, which publishes the events of the log on the event bus, in commit order."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from app.cqrs.impersonal import outline
from app.cqrs.log.event_bus import EventBatch, EventBus
from app.cqrs.log.events import Appended, EventLog, RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.log.history import History, HistoryChanged, read_on
from app.cqrs.measured.tracing import Tracing

BATCH = 500
"""Maximum events that are read from the log at once."""

MOST_HANDED_OVER = 64
"""Commits whose events wait in memory; the log is read if there were more."""

logger = logging.getLogger(__name__)


class Relay:
    """Follows the log from the head at its start; projectors read older events themselves.

    `hand_over` is called with the events of each commit of this process, which need not be read again, and
    `wake` on every other commit. The relay also reads the log every `backstop` seconds, for commits whose
    notification was lost. `published` is called with the events of each batch. Each read also compares the
    event that was published last, and so does the transaction of events that are handed over: after the log
    was set back, `set_back` is called before anything else is published.
    """

    def __init__(
        self,
        log: EventLog,
        bus: EventBus,
        head: Head,
        *,
        history: History | None = None,
        published: Callable[[Sequence[RecordedEvent]], None] = lambda _events: None,
        set_back: Callable[[], None] = lambda: None,
        backstop: float = 1.0,
        tracing: Tracing | None = None,
    ) -> None:
        self._tell_published = published
        self._log = log
        self._bus = bus
        self._head = head
        self._history = history or History(log)
        self._set_back = set_back
        self._backstop = backstop
        self._tracing = tracing
        self._woken = asyncio.Event()
        self._unread = True
        """True if the log may have events that were not handed over."""
        self._appended = deque[Appended](maxlen=MOST_HANDED_OVER)
        self._handed_over_at = 0.0
        self._last: RecordedEvent | None = None
        """The event that was published last, or the newest one when the relay began."""

    def was_handed_over_since(self, time: float) -> bool:
        """Return whether events were handed over after a monotonic time, and none is known to be missing."""
        return self._handed_over_at >= time and not self._unread

    @property
    def published(self) -> int:
        """The position of the event that was published last, or that was the newest when the relay began."""
        return self._last.position if self._last else 0

    def wake(self) -> None:
        """Read the log now, because of a commit."""
        self._unread = True
        self._woken.set()

    def hand_over(self, appended: Appended) -> None:
        """Publish these events now; the log is read if others come before them."""
        self._appended.append(appended)
        self._woken.set()

    async def run(self, position: int, last: RecordedEvent | None = None) -> None:
        """Publish all events after `position` until cancelled; retry when the log fails.

        `last` is the event that was there when `position` was read; it defaults to the one that is there now.
        """
        self._last = last
        while True:
            try:
                async with asyncio.timeout(self._backstop):  # `wait_for` can swallow a cancellation
                    await self._woken.wait()
            except TimeoutError:
                self._unread = True
            self._woken.clear()
            try:
                if self._last is None and position:
                    self._last = await self._event_at(position)
                await self._publish_new()
            except HistoryChanged as change:
                self._unread = True
                try:
                    position = await self._begin_anew(change)
                except Exception as reason:  # The next read raises `HistoryChanged` again.
                    _log_retry(reason)
            except Exception as reason:
                self._unread = True
                _log_retry(reason)

    async def _event_at(self, position: int) -> RecordedEvent:
        found = await self._log.read(after=position - 1, limit=1)
        if not found:
            raise HistoryChanged(f"the log no longer reaches position {position}")
        return found[0]

    async def _publish_new(self) -> None:
        while True:
            if events := self._handed_over():
                await self._publish(events)
            elif self._unread:
                self._unread = False
                if events := await read_on(self._log, self._last, BATCH):
                    self._unread = self._unread or len(events) == BATCH
                    await self._publish(events)
            else:
                return

    def _handed_over(self) -> Sequence[RecordedEvent] | None:
        """Return the next events that were handed over; `None` if others come before them."""
        while self._appended:
            appended = self._appended.popleft()
            if self._last and appended.after == self._last.event_id and appended.count <= BATCH:
                self._handed_over_at = monotonic()
                return appended.events()
            if self._last is None or appended.last > self._last.position:
                self._unread = True
        return None

    async def _publish(self, events: Sequence[RecordedEvent]) -> None:
        after = self._last.position if self._last else 0
        self._history.note(events)
        self._head.rise(events[-1].position, events[-1].occurred_at)
        if self._tracing:  # Projectors continue the traces from here, so this comes first.
            self._tracing.published(events)
        await self._bus.publish(EventBatch(after=after, events=events))
        self._tell_published(events)
        self._last = events[-1]

    async def _begin_anew(self, change: HistoryChanged) -> int:
        position = await self._log.head()
        last = await self._event_at(position) if position else None
        logger.error(
            "The write store was set back to an earlier state, or replaced: position=%d error=%s",
            position,
            change,
        )
        self._last = last
        self._history.forget()
        if self._tracing:
            self._tracing.forget()
        # Without an event, tokens would contain none until the next commit.
        self._history.note([last] if last else [])
        self._head.set_back(position)
        self._set_back()
        return position


def _log_retry(reason: Exception) -> None:
    logger.warning("The relay could not read the event log, and retries: error=%s", outline(reason))
