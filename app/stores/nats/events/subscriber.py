"""The events that other processes have committed, as they are published."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from nats.aio.msg import Msg

from app.cqrs.impersonal import outline
from app.cqrs.log.events import Appended, RecordedEvent
from app.cqrs.log.relay import BATCH
from app.cqrs.log.stored import StoredEvent
from app.stores.nats.connection import Connection
from app.stores.nats.events.order import Order
from app.stores.nats.events.wire import WireEvent, decoded, stored_in

HELD_SECONDS = 0.01
"""Seconds for which an event that comes too early waits for those before it; then the log is read."""

Decode = Callable[[Sequence[StoredEvent]], Awaitable[Sequence[RecordedEvent]]]
"""A function that returns stored events as a reader of the log gets them."""

logger = logging.getLogger(__name__)


class StreamSubscriber:
    """Hands over the events that are published, as a commit of this process hands over its own.

    It loses what is published while there is no connection, and then calls `look`: the relay must read the
    log. It may hand over an event that the stream has refused, because it had been published before.
    `noted` is called with each event that arrives. Events up to the position that `published` returns are
    left out, because the relay has them: mostly those that this process has committed itself.
    """

    def __init__(
        self,
        connection: Connection,
        subject: str,
        decode: Decode,
        hand_over: Callable[[Appended], None],
        look: Callable[[], None],
        noted: Callable[[WireEvent], None] = lambda _event: None,
        published: Callable[[], int] = lambda: 0,
    ) -> None:
        self._connection = connection
        self._subject = subject
        self._decode = decode
        self._hand_over = hand_over
        self._look = look
        self._noted = noted
        self._published = published
        self._order = Order()
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Hand over events until cancelled."""
        moving, hearing = self._connection.moving, self._connection.hearing
        with moving(self._moved), hearing(self._subject, self._received):
            await self._connection.flush()
            self._look()  # because of what was published before the server knew of this subscriber
            while True:
                await self._wait()
                for chain in self._order.take(BATCH):
                    await self._pass_on(chain)

    def _moved(self, found: bool) -> None:
        self._order.begin_anew()
        if found:
            self._look()

    def _received(self, message: Msg) -> None:
        try:
            event = decoded(message.data)
        except msgspec.MsgspecError as error:
            logger.warning("A published event is not understood: error=%s", outline(error))
            self._look()
            return
        self._noted(event)
        self._order.add(event)
        self._arrived.set()

    async def _wait(self) -> None:
        """Return when events have arrived, or when those that are held back have waited long enough."""
        if not self._order.holds:
            await self._arrived.wait()
        else:
            try:
                async with asyncio.timeout(HELD_SECONDS):
                    await self._arrived.wait()
            except TimeoutError:
                self._order.give_up()
        self._arrived.clear()

    async def _pass_on(self, chain: Sequence[WireEvent]) -> None:
        published = self._published()
        chain = [event for event in chain if event.position > published]
        stored = stored_in(chain)
        if len(stored) < len(chain):
            self._look()
        if not stored:
            return
        try:
            events = await self._decode(stored)
        except Exception as error:  # The log can be read later; the events are not lost.
            logger.warning("Published events can't be read: error=%s", outline(error))
            self._look()
            return
        self._hand_over(
            Appended(after=chain[0].after, last=stored[-1].position, count=len(stored), events=lambda: events)
        )
