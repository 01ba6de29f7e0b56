"""Subscriptions that go on where they were when the connection, or the service's store, is back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from gql.transport.exceptions import TransportClosed, TransportConnectionFailed
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

Item = TypeVar("Item")

PASSING = {"READ_MODEL_BEHIND", "READ_STORE_UNAVAILABLE", "WRITE_STORE_UNAVAILABLE"}
"""Codes of faults that pass: what was asked may be asked again. Every other error is a refusal."""

INIT_TIMEOUT = 4408
"""The only close code of a refused socket, from 4400 on, that leaves hope."""


async def resuming(
    subscribe: Callable[[str | None], AsyncGenerator[Item, None]],
    cursor: Callable[[Item], str],
    *,
    after: str | None = None,
    pause: float = 1.0,
) -> AsyncGenerator[Item, None]:
    """Yield the items of `subscribe(after)`, called again with the last cursor after what `passes`.

    It is called again after `pause` seconds. Refusals are raised.
    """
    while True:
        try:
            async for item in subscribe(after):
                after = cursor(item)
                yield item
            return
        except Exception as error:
            if not passes(error):
                raise
            await asyncio.sleep(pause)


def passes(error: BaseException) -> bool:
    """Return whether it is worth subscribing again after an error of gql, ariadne-codegen or websockets."""
    if errors := getattr(error, "errors", None):
        return all(map(_passes, errors))
    match error:
        case InvalidStatus(response=response):
            return response.status_code >= 500
        case ConnectionClosed(rcvd=closed):
            return closed is None or closed.code not in range(4400, 4500) or closed.code == INIT_TIMEOUT
        case TransportConnectionFailed() | TransportClosed():
            return error.__cause__ is None or passes(error.__cause__)
    return isinstance(error, OSError | InvalidMessage)


def _passes(error: Any) -> bool:
    extensions = (error.get("extensions") if isinstance(error, dict) else error.extensions) or {}
    freshness = extensions.get("freshness") or {}
    return extensions.get("code") in PASSING and freshness.get("state") != "FAILED"
