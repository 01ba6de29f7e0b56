"""Responses that send the items of an operation one after another, over HTTP."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from app.cqrs.impersonal import outline
from app.graphql.streaming.executing import Item, Refused

PING_INTERVAL = 12
"""Seconds between two empty parts, which show proxies that the connection is in use."""

HEADERS = {
    "Cache-Control": "no-store, no-transform",  # The answer is its viewer's own.
    "X-Accel-Buffering": "no",  # nginx would buffer items otherwise
    "Vary": "Accept",
}

Watch = Callable[[Callable[[str], None]], Callable[[], None]]
"""A function that calls its argument once with the reason when the viewer's token is no longer valid.

It returns the function that ends the watch.
"""

logger = logging.getLogger(__name__)


class Framing(Protocol):
    """The bytes around the items of a stream."""

    content_type: str
    opening: bytes
    """The first bytes; some browsers wait for them before they report the connection as open."""
    ping: bytes
    """A part that says nothing, and that clients skip."""
    complete: bytes
    """The end of an operation that has no more items."""

    def item(self, item: Item) -> bytes:
        """Return the part with an item."""

    def refused(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the part with the errors of an operation that can't be executed."""

    def failed(self, message: str, code: str) -> bytes:
        """Return the part with the reason why the stream ends, though the operation has more items."""

    def leaving(self) -> bytes:
        """Return the end of a stream that the client should open again, because the service stops."""


class StreamedResponse:
    """A response that sends an operation's items.

    It ends when the operation ends, when the client disconnects or is disconnected because it does not read,
    and when the service is `leaving`. In the last two cases clients reconnect and resume. It also ends, with
    an error, when the token of the viewer whom `watch` watches is no longer valid.
    """

    def __init__(
        self,
        items: AsyncGenerator[Item, None],
        leaving: asyncio.Event,
        framing: Framing,
        *,
        headers: Mapping[str, str] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._items = items
        self._leaving = leaving
        self._framing = framing
        self._headers = {"Content-Type": framing.content_type, **HEADERS, **(headers or {})}
        self._watch = watch
        self._ended = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send items until the stream ends, and close the operation then."""
        self._send = send
        invalid: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        unwatch = self._watch(partial(_set_if_open, invalid)) if self._watch else None
        try:
            await self._start()
            await _first(
                self._send_items(),
                self._send_pings(),
                _until_gone(receive),
                self._leaving.wait(),
                _outcome(invalid),
            )
            if self._ended:
                return
            if invalid.done():
                await self._write(self._framing.failed(invalid.result(), "UNAUTHENTICATED"))
                await self._write(self._framing.complete, more=False)
            else:
                await self._write(self._framing.leaving(), more=False)
        finally:
            if unwatch:
                unwatch()
            await self._items.aclose()

    async def _start(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(self._framing.opening)

    async def _send_items(self) -> None:
        try:
            async for item in self._items:
                await self._write(self._framing.item(item))
        except Refused as refused:
            await self._write(self._framing.refused(refused.errors))
        except Exception as fault:
            logger.error("An operation failed: %s", outline(fault))
            said = "Something went wrong on our side. Try again, or report this."
            await self._write(self._framing.failed(said, "INTERNAL"))
        await self._write(self._framing.complete, more=False)

    async def _send_pings(self) -> None:
        while True:
            await asyncio.sleep(PING_INTERVAL)
            await self._write(self._framing.ping)

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body, once the client has read enough of the earlier parts."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
        self._ended = not more


async def only(item: Item) -> AsyncGenerator[Item, None]:
    """Yield one item."""
    yield item


def _set_if_open(future: asyncio.Future[str], reason: str) -> None:
    if not future.done():
        future.set_result(reason)


async def _outcome(future: asyncio.Future[str]) -> None:
    await asyncio.wait((future,))  # A cancellation of this leaves the future as it is.


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of the coroutines ends, cancel the others, and raise its error if it failed."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
