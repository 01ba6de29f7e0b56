"""The publisher, which keeps the stream equal to the log: the number of a message is the event's position."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from app.cqrs.impersonal import outline
from app.cqrs.log.events import Appended, StoredLog
from app.cqrs.log.stored import StoredEvent
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.nats.away import NatsAway
from app.stores.nats.connection import Connection
from app.stores.nats.events.wire import WireEvent, chained, decoded, encoded
from app.stores.nats.streams import Message, Stream

REFILLED = 10_000
"""Newest events of the log that a new stream begins with."""

BATCH = 500
"""Maximum events that are read from the log at once."""

IN_FLIGHT = 200
"""Events that are sent before the first of them is acknowledged."""

LATE = 0.01
"""Seconds for which a commit waits until the events of other processes before it were published."""

RETRY = 0.25
"""Seconds until the next attempt after a failure."""

MOST_OWN = 256
"""Commits of this process that wait; if there are more, the log is read."""

REMEMBERED = 1_000
"""Events of others that are remembered, because they were published while the stream was compared."""

logger = logging.getLogger(__name__)


class _End(NamedTuple):
    """The newest event of the stream, which the log has, too."""

    position: int
    event_id: UUID | None
    """`None` at position 0."""


class StreamPublisher:
    """Publishes events of the log, each only right after the one before it.

    Any number of processes may publish at once: the stream takes each event from one of them and refuses it
    from the others. It is compared with the log before it is continued, so a stream that NATS has lost, or
    has taken back to an older state, is filled again, and one that belongs to another log is made anew.
    """

    def __init__(
        self, connection: Connection, stream: Stream, log: StoredLog, *, backstop: float = 1.0
    ) -> None:
        """Compare stream and log every `backstop` seconds, also without a commit."""
        self._connection = connection
        self._stream = stream
        self._log = log
        self._backstop = backstop
        self._own: deque[Appended] = deque(maxlen=MOST_OWN)
        self._woken = asyncio.Event()
        self._heard = asyncio.Event()
        self._unread = True
        """True if the log may have events that the stream lacks."""
        self._end: _End | None = None
        """`None` if the stream must be compared before it is continued."""
        self._recent: dict[int, WireEvent] = {}
        """The newest events that were heard of, by position."""
        self._up_to_date = False
        """True if the stream was seen to have the limits of this program, since the connection was made."""
        self._failed: str | None = None
        self.made_anew = 0
        """Times that a stream of another log was found and replaced."""

    @property
    def published(self) -> int | None:
        """The position up to which the stream is known to equal the log; `None` if that is not known now."""
        return self._end.position if self._end else None

    def committed(self, appended: Appended) -> None:
        """Publish the events of a commit of this process now."""
        self._own.append(appended)
        self._woken.set()

    def wake(self) -> None:
        """Read the log now, because another process may have ended between its commit and its publishing."""
        self._unread = True
        self._woken.set()

    def heard(self, event: WireEvent) -> None:
        """Note an event that somebody has published; the stream refuses what comes after it if it has not."""
        if self._end and event.position <= self._end.position:
            return
        self._recent[event.position] = event
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._advance()

    def _advance(self) -> None:
        """Move the end to the newest of the events that others were heard to publish right after it."""
        while (end := self._end) and (event := self._recent.pop(end.position + 1, None)):
            if event.after == end.event_id:
                self._end = _End(event.position, event.event_id)
                self._heard.set()

    async def run(self) -> None:
        """Publish until cancelled; go on after each failure."""
        with self._connection.moving(self._moved):
            self._woken.set()
            while True:
                try:
                    async with asyncio.timeout(RETRY if self._failed else self._backstop):
                        await self._woken.wait()
                except TimeoutError:
                    self._unread = True
                self._woken.clear()
                if not self._connection.connected:
                    self._own.clear()
                    continue
                try:
                    await self._publish_new()
                    self._failed = None
                except Exception as error:
                    self._end, self._unread = None, True
                    self._log_once(error)

    def _moved(self, _found: bool) -> None:
        # Whatever the server had taken, its store may be an older one now.
        self._end, self._up_to_date = None, False
        self._recent.clear()
        self.wake()

    async def _publish_new(self) -> None:
        while self._own:
            appended = self._own.popleft()
            if self._unread or not await self._publish_own(appended):
                self._own.clear()
                self._unread = True
        if self._unread:
            self._unread = False
            await self._fill_up()

    async def _publish_own(self, appended: Appended) -> bool:
        """Publish the events of a commit; return whether the stream has them, and all before them."""
        if appended.stored is None or appended.count > BATCH:
            return False
        first = appended.last - appended.count + 1
        if self._end is not None and self._end.position < first - 1:
            await self._wait_for(first - 1)
        end = self._end
        if end is None or end.position < first - 1 or (first > 1 and appended.after is None):
            return False
        if end.position >= appended.last:
            return True
        if end.position == first - 1 and end.event_id != appended.after:
            return False
        events = [each for each in chained(appended.after, appended.stored()) if each.position > end.position]
        return await self._send(events)

    async def _wait_for(self, position: int) -> None:
        """Return when all events up to a position were heard of, or soon."""
        try:
            async with asyncio.timeout(LATE):
                while self._end is not None and self._end.position < position:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return

    async def _fill_up(self) -> None:
        """Publish all events of the log that the stream lacks."""
        self._end = None
        if not self._up_to_date:
            await self._stream.bring_up_to_date()
            self._up_to_date = True
        while True:
            end, later = await self._compared()
            self._end = end
            self._advance()
            if 0 < len(later) < BATCH:
                # Others may be about to publish the same. All processes would get it twice.
                await asyncio.sleep(random.uniform(0.5, 1) * LATE)  # noqa: S311
            at = self._end.position if self._end else end.position
            missing = [each for each in chained(end.event_id, later) if each.position > at]
            if await self._send(missing) and len(later) < BATCH:
                return

    async def _compared(self) -> tuple[_End, Sequence[StoredEvent]]:
        """Return the newest event of the stream, and events of the log after it; make a stream if need be."""
        while True:
            found = await self._stream.end()
            if found is None:
                head = await self._log.head()
                await self._stream.make(max(1, head - REFILLED + 1))
                continue
            at = found.sequence
            events = await self._log.read_stored(after=max(at - 1, 0), limit=BATCH + min(at, 1))
            if not at:
                return _End(0, None), events
            if events and events[0].position == at and _is(events[0], found.data):
                return _End(at, events[0].event_id), events[1:]
            self.made_anew += 1
            logger.error(
                "The stream of events belongs to another log, and is made anew: stream=%s position=%d",
                self._stream.name,
                at,
            )
            await self._stream.remove()

    async def _send(self, events: Sequence[WireEvent]) -> bool:
        """Return whether the stream has taken all these events, which come right after its end."""
        largest = self._connection.largest
        for begin in range(0, len(events), IN_FLIGHT):
            part = events[begin : begin + IN_FLIGHT]
            taken = await self._stream.append(
                [Message(each.position, encoded(each, largest)) for each in part]
            )
            if taken < len(part):
                self._end = None
                return False
            if self._end is None or self._end.position < part[-1].position:
                self._end = _End(part[-1].position, part[-1].event_id)
        return True

    def _log_once(self, error: Exception) -> None:
        text = outline(error) if not isinstance(error, NatsAway | WriteStoreUnavailable) else str(error)
        if text != self._failed:
            self._failed = text
            logger.warning("Events can't be published, which is tried again: error=%s", text)


def _is(event: StoredEvent, message: bytes | None) -> bool:
    """Return whether a message has this event; it is not known of one that was dropped for its age."""
    if message is None:
        return True
    try:
        return decoded(message).event_id == event.event_id
    except msgspec.MsgspecError:
        return False
