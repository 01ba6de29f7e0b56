"""Subscriptions that go on where they were when the connection is back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from gql.transport.exceptions import TransportError
from websockets.exceptions import WebSocketException

Item = TypeVar("Item")

LOST = (OSError, TransportError, WebSocketException)
"""What clients raise when there is no connection, or no longer."""


async def resuming(
    subscribe: Callable[[str | None], AsyncGenerator[Item, None]],
    cursor: Callable[[Item], str],
    *,
    pause: float = 1.0,
) -> AsyncGenerator[Item, None]:
    """The items of `subscribe(after)`, called again `pause` seconds after the connection was lost."""
    after = None
    while True:
        try:
            async for item in subscribe(after):
                after = cursor(item)
                yield item
            return
        except LOST:
            await asyncio.sleep(pause)
