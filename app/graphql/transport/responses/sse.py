"""The framing of server-sent events: the "distinct connections" of graphql-sse, which can be resumed."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.graphql.streaming.executing import Item
from app.graphql.transport.media_types import EVENTS

RETRY = range(500, 5000)
"""Milliseconds after which clients reconnect once the service has stopped; each gets a random one of them."""


class ServerSentEvents:
    """Events whose ids are the items' cursors."""

    content_type = EVENTS
    opening = ping = b":\n\n"
    complete = b"event: complete\ndata:\n\n"

    def item(self, item: Item) -> bytes:
        """Return the event with an item."""
        id = f"id: {item.cursor}\n" if item.cursor else ""
        return b"event: next\n%bdata: %b\n\n" % (id.encode(), item.body)

    def refused(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the event with the errors of an operation that can't be executed."""
        return self.item(Item(orjson.dumps({"errors": errors}), None))

    def failed(self, message: str, code: str) -> bytes:
        """Return the event with the reason why the stream ends."""
        return self.refused([{"message": message, "extensions": {"code": code}}])

    def leaving(self) -> bytes:
        """Return the time after which the client should reconnect."""
        return b"retry: %d\n\n" % random.choice(RETRY)  # noqa: S311
