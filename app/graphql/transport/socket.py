"""One websocket with the protocol graphql-transport-ws, and the operations that run over it."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import orjson
from starlette.types import Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.cqrs.impersonal import outline
from app.cqrs.viewers import NotVerifiable, Unauthenticated
from app.graphql.admission.persisted import NotAccepted, Texts
from app.graphql.execution.context import Context
from app.graphql.execution.operation import Operation
from app.graphql.measured.traffic import Traffic
from app.graphql.streaming.executing import Item, Refused
from app.graphql.streaming.streams import Streams
from app.graphql.transport.closing import FORBIDDEN, TRY_AGAIN_LATER, UNREAD, Close, Disconnected, raise_close
from app.graphql.transport.messages import Message, error_message, message_in, tokens_of
from app.graphql.transport.senders.authentication import Authentication, sent_in, without_token
from app.graphql.transport.sent import operation_in

MOST_OPERATIONS = 100
"""Operations that may run at the same time over one socket."""

MOST_BYTES = 1_000_000
"""Bytes of the `subscribe` messages whose operations run over one socket; a single one may be larger."""

SendAtOnce = Callable[[bytes], bool]
"""A function that sends a frame with a text in UTF-8 if it can do so without waiting, and returns whether."""

_numbers = count(1)

logger = logging.getLogger(__name__)


class _Running(NamedTuple):
    """A running operation, the bytes of the message that started it, and a number that no other has."""

    task: asyncio.Task[None]
    size: int
    number: int


class Socket:
    """One socket, after the handshake."""

    def __init__(
        self,
        websocket: WebSocket,
        send: Send,
        send_at_once: SendAtOnce,
        context: Context,
        streams: Streams,
        authentication: Authentication,
        texts: Texts,
        traffic: Traffic,
        init_patience: timedelta,
        read_patience: timedelta,
    ) -> None:
        self._websocket = websocket
        self._send_frame = send
        self._send_at_once = send_at_once
        self._context = context
        self._streams = streams
        self._authentication = authentication
        self._texts = texts
        self._traffic = traffic
        self._init_patience = init_patience.total_seconds()
        self._read_patience = read_patience.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._sending = 0
        self._progress_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._initialised = False
        self._unwatch: Callable[[], None] = lambda: None
        self._operations: dict[str, _Running] = {}
        self._bytes = 0

    async def serve(self) -> None:
        """Answer messages until either side closes the socket, and end all its operations then."""
        self._traffic.sockets += 1
        close: BaseException | None = None
        try:
            # An error that leaves the group would refer to itself by its traceback, and so to all of this.
            async with asyncio.TaskGroup() as self._running:
                close = await self._listened()
                for running in self._operations.values():
                    running.task.cancel()
        except* Disconnected:
            pass
        except* Close as closing:
            close = closing.exceptions[0]
        finally:
            self._traffic.sockets -= 1
            self._unwatch()
            self._operations.clear()  # They were cancelled, and refer to this socket as it refers to them.
            if self._watch:
                self._watch.cancel()
        if isinstance(close, Close):
            with suppress(WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(self._read_patience):
                    await self._websocket.close(close.code, close.reason)

    async def _listened(self) -> Close | None:
        """Answer messages until the client has disconnected, or the socket is to be closed for a reason."""
        try:
            async with asyncio.timeout(self._init_patience) as patience:
                while True:
                    await self._answer(message_in(await self._websocket.receive()))
                    if self._initialised:
                        patience.reschedule(None)
        except TimeoutError:
            return Close(4408, "Connection initialisation timeout")
        except Disconnected:
            return None
        except Close as close:
            return close

    async def _answer(self, sent: Message) -> None:
        message = sent.parts
        match message["type"]:
            case "connection_init":
                if self._initialised:
                    raise Close(4429, "Too many initialisation requests")
                payload = message.get("payload") or {}
                self._context.sent_tokens = self._context.sent_tokens or tokens_of(payload)
                await self._admit(payload)
                self._initialised = True
                await self._send({"type": "connection_ack"})
            case "ping":
                payload = message.get("payload")
                if payload and sent_in(payload) is not None:
                    if self._initialised:
                        await self._admit(payload)
                    payload = without_token(payload)
                await self._send({"type": "pong"} | ({} if payload is None else {"payload": payload}))
            case "subscribe":
                await self._subscribe(message["id"], message["payload"], sent.size)
            case "complete":
                if message["id"] in self._operations:
                    self._forget(message["id"]).cancel()

    async def _admit(self, payload: dict[str, Any]) -> None:
        """Serve the viewer of the token in the payload, or else in the handshake, until it is invalid.

        Running operations go on. They belong to the earlier viewer, so it must be the same one.
        """
        try:
            viewer = await self._authentication.of_socket(payload, self._websocket.headers)
        except Unauthenticated as refusal:
            raise Close(FORBIDDEN, str(refusal)) from refusal
        except NotVerifiable as trouble:
            raise Close(TRY_AGAIN_LATER, str(trouble)) from trouble
        before = self._context.viewer
        if self._operations and (viewer.actor, viewer.scope) != (before.actor, before.scope):
            raise Close(
                FORBIDDEN, "The new token is another viewer's, and operations run. Reconnect with it."
            )
        self._unwatch()
        self._context = self._context.for_viewer(viewer)
        self._unwatch = self._authentication.watch(viewer, self._invalidate)

    def _invalidate(self, reason: str) -> None:
        self._close_soon(FORBIDDEN, reason)

    def _close_soon(self, code: int, reason: str) -> None:
        closing = raise_close(code, reason)
        try:
            self._running.create_task(closing)
        except RuntimeError:  # The socket is being closed already.
            closing.close()

    async def _subscribe(self, id: str, payload: dict[str, Any], size: int) -> None:
        if not self._initialised:
            raise Close(4401, "Unauthorized")
        if id in self._operations:
            raise Close(4409, f"Subscriber for {id} already exists")
        if len(self._operations) >= MOST_OPERATIONS:
            refusal = (
                f"{MOST_OPERATIONS} operations run over this socket, the most allowed. Complete one first."
            )
            await self._send(error_message(id, refusal, "LIMIT_EXCEEDED"))
            return
        if self._operations and self._bytes + size > MOST_BYTES:
            refusal = (
                f"This operation takes {size:,} bytes, and the others over this socket take {self._bytes:,}. "
                f"Together they may take {MOST_BYTES:,}. Complete one first, or use another socket."
            )
            await self._send(error_message(id, refusal, "LIMIT_EXCEEDED"))
            return
        try:
            operation = operation_in(payload, self._texts)
        except NotAccepted as refused:
            await self._send(error_message(id, str(refused), refused.code))
            return
        task = self._running.create_task(self._run(id, operation))
        self._operations[id] = _Running(task, size, next(_numbers))
        self._bytes += size

    def _forget(self, id: str) -> asyncio.Task[None]:
        """Remove an operation, so that its id can be used again, and return its task."""
        running = self._operations.pop(id)
        self._bytes -= running.size
        return running.task

    async def _run(self, id: str, operation: Operation) -> None:
        """Send an operation's results; free its id before the last message, so that it can be used again."""
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(id)
        last: dict[str, Any] = {"id": id, "type": "complete"}
        own = self._operations[id].number

        def at_once(item: Item) -> bool:
            # Once the client has completed the operation, it may have begun another one with this id.
            running = self._operations.get(id)
            is_own = running is not None and running.number == own
            return is_own and self._send_at_once(b"%b%b}" % (head, item.body))

        try:
            async with aclosing(self._streams.open(operation, self._context, at_once)) as items:
                async for item in items:
                    await self._send_text((b"%b%b}" % (head, item.body)).decode())
        except Refused as refused:
            last = {"id": id, "type": "error", "payload": refused.errors}
        except (Close, Disconnected):
            raise
        except Exception as fault:
            logger.error("An operation failed: %s", outline(fault))
            last = error_message(
                id, "Something went wrong on our side. Try again, or report this.", "INTERNAL"
            )
        self._forget(id)
        await self._send(last)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(orjson.dumps(message).decode())

    async def _send_text(self, text: str) -> None:
        """Send a frame, once the client has read enough of the earlier ones."""
        if not self._sending:
            self._progress_at = self._loop.time()
        if self._watch is None:  # one timer for all frames: one for each would take as long as sending it
            self._watch = self._loop.call_later(self._read_patience, self._check)
        self._sending += 1
        try:
            await self._send_frame({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError):  # servers raise either if the connection has ended
            raise Disconnected from None
        finally:
            self._sending -= 1
        self._progress_at = self._loop.time()

    def _check(self) -> None:
        """Disconnect a client that has not read a frame for too long."""
        self._watch = None
        left = self._progress_at + self._read_patience - self._loop.time()
        if self._sending and left > 0:
            self._watch = self._loop.call_later(left, self._check)
        elif self._sending:
            self._traffic.unread += 1
            self._close_soon(TRY_AGAIN_LATER, UNREAD)
