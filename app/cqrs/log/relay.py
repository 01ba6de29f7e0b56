"""The relay, which publishes the events of the log on the event bus, in commit order."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from app.cqrs.impersonal import outline
from app.cqrs.log.event_bus import EventBatch, EventBus
from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.log.head import Head
from app.cqrs.log.history import History, HistoryChanged, read_on

BATCH = 500
"""Maximum events that are read from the log at once."""

logger = logging.getLogger(__name__)


class Relay:
    """Follows the log from the head at its start; projectors read older events themselves.

    `wake` is called on every commit. The relay also reads the log every `backstop` seconds, for commits
    whose notification was lost. `published` is called with the events of each batch. Each read also compares
    the event that was published last: after the log was set back, `set_back` is called before anything else
    is published.
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
    ) -> None:
        self._published = published
        self._log = log
        self._bus = bus
        self._head = head
        self._history = history or History(log)
        self._set_back = set_back
        self._backstop = backstop
        self._woken = asyncio.Event()
        self._last: RecordedEvent | None = None
        """The event that was published last, or the newest one when the relay began."""

    def wake(self) -> None:
        """Read the log now, because of a commit."""
        self._woken.set()

    async def run(self, position: int, last: RecordedEvent | None = None) -> None:
        """Publish all events after `position` until cancelled; retry when the log fails.

        `last` is the event that was there when `position` was read; it defaults to the one that is there now.
        """
        self._last = last
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._backstop):  # `wait_for` can swallow a cancellation
                    await self._woken.wait()
            self._woken.clear()
            try:
                if self._last is None and position:
                    self._last = await self._event_at(position)
                await self._publish_new()
            except HistoryChanged as change:
                try:
                    position = await self._begin_anew(change)
                except Exception as reason:  # The next read raises `HistoryChanged` again.
                    _log_retry(reason)
            except Exception as reason:
                _log_retry(reason)

    async def _event_at(self, position: int) -> RecordedEvent:
        found = await self._log.read(after=position - 1, limit=1)
        if not found:
            raise HistoryChanged(f"the log no longer reaches position {position}")
        return found[0]

    async def _publish_new(self) -> None:
        while events := await read_on(self._log, self._last, BATCH):
            after = self._last.position if self._last else 0
            self._history.note(events)
            self._head.rise(events[-1].position, events[-1].occurred_at)
            await self._bus.publish(EventBatch(after=after, events=events))
            self._published(events)
            self._last = events[-1]
            if len(events) < BATCH:  # A later commit calls `wake`.
                break

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
        # Without an event, tokens would contain none until the next commit.
        self._history.note([last] if last else [])
        self._head.set_back(position)
        self._set_back()
        return position


def _log_retry(reason: Exception) -> None:
    logger.warning("The relay could not read the event log, and retries: error=%s", outline(reason))
