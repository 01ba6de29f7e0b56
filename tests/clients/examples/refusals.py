"""Refused subscriptions of clients that ariadne-codegen generates: they end without a word otherwise."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection


class TellingRefusals(ClientConnection):
    """Shows a result that has errors instead of data as the protocol's message `error`, which is raised.

    Pass it to each subscription: `client.product_updated(id, create_connection=TellingRefusals)`.
    """

    async def recv(self, decode: bool | None = None) -> Any:
        """Return the next message."""
        message = await super().recv(decode)
        told = json.loads(message)
        result = told.get("payload") or {}
        if told.get("type") == "next" and result.get("errors") and result.get("data") is None:
            return json.dumps({**told, "type": "error", "payload": result["errors"]})
        return message
