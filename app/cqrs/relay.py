"""The relay: what was committed to the log is published on the event bus, in order."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from app.cqrs.event_bus import EventBatch, EventBus
from app.cqrs.events import EventLog, RecordedEvent
from app.cqrs.impersonal import outline
from app.cqrs.progress import Head

BATCH = 500
logger = logging.getLogger(__name__)


class Relay:
    """Follows the log from its head at the start; projectors read what is older themselves.

    `wake` is called on every commit; the log is also looked at every `backstop` seconds, so that a
    commit nobody told of is published too. `published` is called with all events that are.
    """

    def __init__(
        self,
        log: EventLog,
        bus: EventBus,
        head: Head,
        *,
        published: Callable[[Sequence[RecordedEvent]], None] = lambda _events: None,
        backstop: float = 1.0,
    ) -> None:
        self._published = published
        self._log = log
        self._bus = bus
        self._head = head
        self._backstop = backstop
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something new in the log."""
        self._woken.set()

    async def run(self, position: int) -> None:
        """Publishes all events after `position`, for ever; a log that fails is tried again."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._backstop):  # `wait_for` can swallow a cancellation
                    await self._woken.wait()
            self._woken.clear()
            try:
                position = await self._publish_after(position)
            except Exception as reason:
                logger.warning("The relay could not read the event log, and tries again: %s", outline(reason))

    async def _publish_after(self, position: int) -> int:
        while events := await self._log.read(after=position, limit=BATCH):
            self._head.rise(events[-1].position, events[-1].occurred_at)
            await self._bus.publish(EventBatch(after=position, events=events))
            self._published(events)
            position = events[-1].position
            if len(events) < BATCH:  # Of what has come since, somebody tells.
                break
        return position
