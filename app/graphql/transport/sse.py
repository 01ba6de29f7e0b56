"""GraphQL over server-sent events: the distinct connections of graphql-sse, and each can be resumed."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.cqrs.impersonal import outline
from app.graphql.transport.executing import Item, Refused
from app.graphql.transport.media_types import EVENTS

PING_INTERVAL = 12
"""Seconds between two comments, which tell what is in between that the connection is in use."""

RETRY = range(500, 5000)
"""Milliseconds: when clients come back after the service has ended, each at a time of its own."""

HEADERS = {
    "Content-Type": EVENTS,
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would keep events until it has enough of them
    "Vary": "Accept",
}

COMMENT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"

logger = logging.getLogger(__name__)


class EventStream:
    """The response that sends an operation's items as events, whose ids are the items' cursors.

    It ends with the operation, when the client leaves or is cut off because it does not read, and when the
    service is `leaving`; what was not completed, clients come back for.
    """

    def __init__(
        self,
        items: AsyncGenerator[Item, None],
        leaving: asyncio.Event,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._items = items
        self._leaving = leaving
        self._headers = {**HEADERS, **(headers or {})}
        self._ended = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until there is an end; then nothing of it is left running."""
        self._send = send
        try:
            await self._start()
            await _first(
                self._send_items(), self._send_comments(), _until_gone(receive), self._leaving.wait()
            )
            if not self._ended:
                await self._write(b"retry: %d\n\n" % random.choice(RETRY), more=False)  # noqa: S311
        finally:
            await self._items.aclose()

    async def _start(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(COMMENT)  # some browsers wait for a body before they open

    async def _send_items(self) -> None:
        try:
            async for item in self._items:
                await self._write(_event(item))
        except Refused as refused:
            await self._write(_event(Item(orjson.dumps({"errors": refused.errors}), None)))
        except Exception as fault:
            logger.error("An operation failed: %s", outline(fault))
            error = {"message": "Something went wrong on our side.", "extensions": {"code": "INTERNAL"}}
            await self._write(_event(Item(orjson.dumps({"errors": [error]}), None)))
        await self._write(COMPLETE, more=False)

    async def _send_comments(self) -> None:
        while True:
            await asyncio.sleep(PING_INTERVAL)
            await self._write(COMMENT)

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        """Sends once the client has read enough of what was sent before."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
        self._ended = not more


async def only(item: Item) -> AsyncGenerator[Item, None]:
    """A stream of one item."""
    yield item


def _event(item: Item) -> bytes:
    id = f"id: {item.cursor}\n" if item.cursor else ""
    return b"event: next\n%bdata: %b\n\n" % (id.encode(), item.body)


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Waits until one of them ends, and raises what it raised; the others are cancelled."""
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
