"""All that goes over the connection of a process: events, announcements and commands."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from app.cqrs.impersonal import outline
from app.cqrs.log.events import Appended, EventLog, StoredLog
from app.stores.nats.announcements import MOST_KEPT, NatsAnnouncements
from app.stores.nats.away import NatsAway
from app.stores.nats.commands import NatsCommandCarrier
from app.stores.nats.connection import Connection, Moved
from app.stores.nats.events.log_or_stream import LogOrStream
from app.stores.nats.events.publisher import StreamPublisher
from app.stores.nats.events.subscriber import Decode, StreamSubscriber
from app.stores.nats.events.wire import WireEvent
from app.stores.nats.presence import Present, answering
from app.stores.nats.streams import Limits, Stream

EVENTS = Limits(seconds=86_400, bytes=256_000_000)
"""A day of events, for processes that lag or start while the log is away. It is no archive."""

ANNOUNCEMENTS = Limits(messages=MOST_KEPT, bytes=64_000_000)

FIRST_WAIT = 1.0
"""Seconds for which a process that starts waits for NATS, before it goes on without."""

logger = logging.getLogger(__name__)


class Nats:
    """The parts, none of which fails because NATS is away."""

    def __init__(self, connection: Connection, prefix: str, replicas: int) -> None:
        def stream(name: str, subject: str, limits: Limits) -> Stream:
            return Stream(connection, f"diptych-{prefix}-{name}", subject, limits, replicas)

        subject = f"diptych.{prefix}"
        self._connection = connection
        self.events = stream("events", f"{subject}.events", EVENTS)
        """The stream of events, whose numbers are the positions in the log."""
        kept = stream("announcements", f"{subject}.announcements.kept", ANNOUNCEMENTS)
        self.announcements = NatsAnnouncements(connection, f"{subject}.announcements", kept)
        self.commands = NatsCommandCarrier(connection, f"{subject}.commands")
        """The carrier for `ForwardedCommands`; its `answering` is for processes that carry commands out."""
        self._subject = subject
        self._heard: list[Callable[[WireEvent], None]] = []

    @property
    def connected(self) -> bool:
        """True unless the connection is lost at this moment."""
        return self._connection.connected

    @property
    def dropped(self) -> int:
        """Messages that were not sent since the start, because NATS was away or too slow."""
        return self._connection.dropped

    def moving(self, moved: Moved) -> AbstractContextManager[None]:
        """Call `moved` with true when a connection was made, and with false when it was lost."""
        return self._connection.moving(moved)

    def present(self, describe: Callable[[], Present]) -> AbstractContextManager[None]:
        """Describe this process to operators who ask, until the block ends."""
        return answering(self._connection, f"{self._subject}.processes", describe)

    def operators(self, read_model: str) -> NatsCommandCarrier:
        """Return the carrier of operations to the process that projects a read model."""
        return NatsCommandCarrier(self._connection, f"{self._subject}.operations.{read_model}")

    def or_stream(self, log: EventLog, decode: Decode) -> LogOrStream:
        """Return `log`, which is read from the stream while the write store does not answer."""
        return LogOrStream(log, self.events, decode)

    @asynccontextmanager
    async def publishing(self, log: StoredLog) -> AsyncIterator[StreamPublisher]:
        """Keep the stream equal to the log until the block ends; yield the publisher, to be told of commits.

        The process must be `subscribing`, too, so that the publisher hears what others publish.
        """
        publisher = StreamPublisher(self._connection, self.events, log)
        self._heard.append(publisher.heard)
        try:
            async with running(publisher.run()):
                yield publisher
        finally:
            self._heard.remove(publisher.heard)

    @asynccontextmanager
    async def subscribing(
        self,
        decode: Decode,
        hand_over: Callable[[Appended], None],
        look: Callable[[], None],
        *,
        published: Callable[[], int] = lambda: 0,
    ) -> AsyncIterator[None]:
        """Hand over published events until the block ends, but none up to the position `published()`.

        Call `look` when some may have been missed: after each new connection, and if they can't be decoded.
        """

        def noted(event: WireEvent) -> None:
            for heard in self._heard:
                heard(event)

        subscriber = StreamSubscriber(
            self._connection, self.events.subject, decode, hand_over, look, noted, published
        )
        async with running(subscriber.run()):
            yield

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be connected whenever NATS is there, until the block ends; wait a moment for it at the start."""
        found = asyncio.Event()
        making: set[asyncio.Task[None]] = set()

        def moved(connected: bool) -> None:
            if connected:
                found.set()
                task = asyncio.create_task(self._keep())
                making.add(task)
                task.add_done_callback(making.discard)

        with self.moving(moved):
            async with running(self._connection.run(), self._connection.close):
                try:
                    async with asyncio.timeout(FIRST_WAIT):
                        await found.wait()
                except TimeoutError:
                    logger.warning("NATS is away: the process goes on without, and connects when it is there")
                yield
                await self._connection.flush()

    async def _keep(self) -> None:
        try:
            await self.announcements.keep()
        except NatsAway as away:
            if self.connected:  # else it is made after the next connection
                logger.warning("Announcements can't be kept: error=%s", outline(away))
        except Exception as error:
            logger.warning("Announcements can't be kept: error=%s", outline(error))


@asynccontextmanager
async def running(
    work: Coroutine[Any, Any, None], ending: Callable[[], None] = lambda: None
) -> AsyncIterator[None]:
    """Run something until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        ending()
        while not task.done():  # nats-py may swallow a cancellation
            task.cancel()
            await asyncio.wait([task], timeout=1)
