"""The connection to NATS, which comes and goes while the process goes on without it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsFault
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.errors import APIError

from app.cqrs.impersonal import outline
from app.stores.nats.away import NatsAway
from app.stores.nats.connecting import CONNECT_LIMIT, PING_SECONDS, Faults, close, connect_once
from app.stores.nats.opening import Servers
from app.stores.nats.subscribed import Heard, Subscribed

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
"""Seconds between two attempts to connect; each pause is longer than the one before."""

MOST_WAITING = 4_000_000
"""Bytes of messages that wait to be sent; further ones are dropped, as while there is no connection."""

ANSWER_LIMIT = 2.0
"""Seconds in which NATS itself must answer."""

LARGEST = 1_048_576
"""Maximum bytes of a message, until the server has said its own limit."""

OLDEST = (2, 11)
"""The first release whose streams can be read in batches."""

HEADERS = 1_024
"""Bytes of that which headers may take."""

logger = logging.getLogger(__name__)

T = TypeVar("T")
Moved = Callable[[bool], None]


@dataclass(eq=False)
class Connection:
    """A connection that is made again whenever it is lost; nobody waits for it unless they say how long.

    nats-py's own way to connect again is not used: requests that were under way would wait for their time-out
    and a server that refuses the credentials once would end it for good.
    """

    servers: Servers
    name: str
    """The name of the process, which the server shows."""
    dropped: int = 0
    """Messages that were not sent, because there was no connection or too many waited."""
    _client: Client | None = None
    _streams: JetStreamContext | None = None
    _lost: "asyncio.Future[None] | None" = None
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _subscriptions: dict[Subscribed, None] = field(default_factory=dict)
    _moved: list[Moved] = field(default_factory=list)
    _waiting: "deque[tuple[int, Callable[[Client], Awaitable[Any]]]]" = field(default_factory=deque)
    _bytes: int = 0
    _closing: bool = False
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _faults: Faults = field(default_factory=Faults)

    @property
    def connected(self) -> bool:
        """True unless there is no connection at this moment."""
        return self._client is not None

    @property
    def largest(self) -> int:
        """The maximum bytes of a message."""
        return (self._client.max_payload if self._client else LARGEST) - HEADERS

    @contextmanager
    def moving(self, moved: Moved) -> Iterator[None]:
        """Call `moved` with true when a connection was made, and with false when it was lost."""
        self._moved.append(moved)
        try:
            yield
        finally:
            self._moved.remove(moved)

    def send(self, subject: str, payload: bytes) -> None:
        """Send a message without waiting; drop and count it if that is impossible."""
        size = len(payload)
        if self._client is None or self._bytes + size > MOST_WAITING or size > self.largest:
            self.dropped += 1
            return
        self._then(size, lambda client: client.publish(subject, payload))

    @contextmanager
    def hearing(self, subject: str, heard: Heard, *, queue: str = "") -> Iterator[Subscribed]:
        """Call `heard` with each message on `subject` until the block ends, whenever there is a connection.

        Of several processes with the same `queue`, one gets each message.
        """
        subscribed = Subscribed(subject, heard, queue)
        self._subscriptions[subscribed] = None
        if self._client:
            self._attach_later(subscribed)
        try:
            yield subscribed
        finally:
            self._subscriptions.pop(subscribed, None)
            if self._client:
                self._then(0, lambda _client: subscribed.end())

    async def take_no_more(self, subscribed: Subscribed) -> None:
        """End a subscription; return when all messages that the server has sent before were heard."""
        self._subscriptions.pop(subscribed, None)
        if self._client and subscribed.of and subscribed.client is self._client:
            with suppress(NatsFault, OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_LIMIT):
                    await subscribed.of.drain()  # type: ignore[no-untyped-call]
        subscribed.of = None

    async def flush(self) -> None:
        """Return when the server has everything that was sent so far, or when the connection is lost."""
        passed = asyncio.Event()

        async def pass_by(_client: Client) -> None:
            passed.set()

        if (client := self._client) is None:
            return
        self._then(0, pass_by)
        with suppress(NatsFault, OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_LIMIT):
                await passed.wait()
                await client.flush()

    async def ask(
        self, subject: str, payload: bytes, patience: float, headers: Mapping[str, str] | None = None
    ) -> Msg:
        """Return the answer to a request; wait for a connection if there is none.

        Raises `NatsAway` if there is no answer within `patience` seconds, if the connection is lost
        meanwhile, or if there is nobody to answer.
        """
        until = monotonic() + patience
        try:
            async with asyncio.timeout(patience):
                while self._client is None:
                    await self._up.wait()
        except TimeoutError:
            raise NatsAway("NATS is away") from None
        left = max(until - monotonic(), 0.001)
        asked = self._client.request(subject, payload, timeout=left, headers=dict(headers or {}) or None)
        return await self.within(asked, left)

    async def within(self, answer: Awaitable[T], seconds: float = ANSWER_LIMIT) -> T:
        """Return an answer; raise `NatsAway` if the connection is lost before, or after some seconds.

        What JetStream refuses is raised as its `APIError`.
        """
        answering = asyncio.ensure_future(answer)
        lost = self._lost
        try:
            if lost is None:
                raise NatsAway("NATS is away")
            either: list[asyncio.Future[Any]] = [answering, lost]
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise NatsAway("the connection to NATS was lost" if lost.done() else "NATS does not answer")
            return answering.result()
        except NoRespondersError:
            raise NatsAway("there is nobody to answer") from None
        except APIError:
            raise
        except (NatsFault, OSError, TimeoutError) as error:
            raise NatsAway("NATS does not answer") from error
        finally:
            # Whatever fails while it is cancelled, such as the end of its subscription, is of no interest.
            answering.add_done_callback(lambda done: done.cancelled() or done.exception())
            answering.cancel()

    def client(self) -> Client:
        """Return the connected client; raise `NatsAway`."""
        if self._client is None:
            raise NatsAway("NATS is away")
        return self._client

    def streams(self) -> JetStreamContext:
        """Return the streams of the server, by one object until the connection is lost; raise `NatsAway`."""
        if self._streams is None:
            raise NatsAway("NATS is away")
        return self._streams

    def close(self) -> None:
        """Have `run` end when it is cancelled; nats-py may swallow the cancellation."""
        self._closing = True

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled."""
        pause = FIRST_PAUSE
        while not self._closing:
            client, ended = Client(), asyncio.Event()
            try:
                await self._connect(client, ended)
                pause = FIRST_PAUSE
                await self._hold(client, ended)
            except Exception as error:  # The client raises errors of many kinds, such as of TLS.
                self._faults.note(error)
            finally:
                await close(client)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _connect(self, client: Client, ended: asyncio.Event) -> None:
        async def faulty(error: Exception) -> None:
            self._faults.note(error)

        async def closed() -> None:
            ended.set()

        await connect_once(client, self.servers, self.name, faulty, closed)

    async def _hold(self, client: Client, ended: asyncio.Event) -> None:
        """Use the connection until it ends."""
        self._waiting.clear()
        self._bytes = 0
        for subscribed in [*self._subscriptions]:
            await self._attach(client, subscribed)
        await client.flush(CONNECT_LIMIT)
        self._faults.over()
        version = client.connected_server_version
        if (version.major, version.minor) < OLDEST:
            logger.error("NATS is too old: version=%s. Update it to %d.%d or newer.", version, *OLDEST)
        lost = asyncio.get_running_loop().create_future()
        self._client, self._lost = client, lost
        self._streams = client.jetstream(timeout=ANSWER_LIMIT)
        self._up.set()
        for subscribed in self._subscriptions:  # of those who came meanwhile
            self._attach_later(subscribed)
        sending = asyncio.create_task(self._send_on(client))
        try:
            self._tell(True)
            while client.is_connected and not sending.done() and not self._closing:
                # `closed_cb` is not called if the client fails while it closes.
                with suppress(TimeoutError):
                    async with asyncio.timeout(PING_SECONDS):
                        await ended.wait()
        finally:
            self._client = self._lost = self._streams = None
            self._up.clear()
            lost.set_result(None)
            while not sending.done():  # nats-py may swallow a cancellation
                sending.cancel()
                await asyncio.wait([sending], timeout=PING_SECONDS)
            self._tell(False)

    async def _send_on(self, client: Client) -> None:
        while client.is_connected:
            await self._stirred.wait()
            self._stirred.clear()
            while self._waiting and client.is_connected:
                size, send = self._waiting.popleft()
                self._bytes -= size
                try:
                    await send(client)
                except (NatsFault, OSError) as error:
                    self._faults.note(error)

    def _then(self, size: int, send: Callable[[Client], Awaitable[Any]]) -> None:
        self._waiting.append((size, send))
        self._bytes += size
        self._stirred.set()

    def _attach_later(self, subscribed: Subscribed) -> None:
        self._then(0, lambda client: self._attach(client, subscribed))

    async def _attach(self, client: Client, subscribed: Subscribed) -> None:
        if subscribed.client is not client and subscribed in self._subscriptions:
            subscribed.client = client
            subscribed.of = await client.subscribe(
                subscribed.subject, queue=subscribed.queue, cb=subscribed.received
            )

    def _tell(self, found: bool) -> None:
        logger.info("The connection to NATS: connected=%s", found)
        for moved in [*self._moved]:
            try:
                moved(found)
            except Exception as error:
                logger.error("A change of the connection to NATS was not handled: error=%s", outline(error))
