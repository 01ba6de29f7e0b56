"""The log, or the stream while the log is away."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from app.cqrs.log.events import EventLog, RecordedEvent
from app.cqrs.log.stored import StoredEvent
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.nats.away import NatsAway
from app.stores.nats.events.wire import decoded
from app.stores.nats.streams import Stream

Decode = Callable[[Sequence[StoredEvent]], Awaitable[Sequence[RecordedEvent]]]
"""A function that returns stored events as a reader of the log gets them."""

logger = logging.getLogger(__name__)


class LogOrStream:
    """The events of the log, read from the stream while the write store does not answer.

    The stream never says that there are no events, because one that it lacks may be in the log. The error of
    the write store is raised then.
    """

    def __init__(self, log: EventLog, stream: Stream, decode: Decode) -> None:
        self._log = log
        self._stream = stream
        self._decode = decode

    async def head(self) -> int:
        """Return the position of the newest event; while the log is away, of the newest published one."""
        try:
            return await self._log.head()
        except WriteStoreUnavailable as away:
            try:
                end = await self._stream.end()
            except NatsAway:
                raise away from None
            if end is None:
                raise
            return end.sequence

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Return up to `limit` events with a position greater than `after`, in order."""
        try:
            return await self._log.read(after=after, limit=limit)
        except WriteStoreUnavailable:
            if not (stored := await self._published(after, limit)):
                raise
            return await self._decode(stored)

    async def _published(self, after: int, limit: int) -> Sequence[StoredEvent]:
        """Return the published events right after a position; none if the next one is not in the stream."""
        found: list[StoredEvent] = []
        try:
            for number, data in await self._stream.read(after + 1, limit):
                event = decoded(data).stored
                if event is None or number != after + len(found) + 1 or event.position != number:
                    break
                found.append(event)
        except (NatsAway, msgspec.MsgspecError) as error:
            logger.info("The stream of events does not help: error=%s", type(error).__name__)
        return found
