"""The framing of Apollo's multipart subscription protocol, version 1.0.

A client knows that a part is complete when the boundary after it has arrived, so each part brings its own.
Parts have no id: a client resumes with the cursor that it has selected.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.graphql.streaming.executing import Item

_BOUNDARY = b"\r\n--graphql"

LEAVING = "The service stops. Subscribe again after the last cursor that you have received."


class Multipart:
    """Parts with the items as `payload`; a part without a payload says why the stream ends."""

    content_type = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
    opening = _BOUNDARY
    complete = b"--\r\n"

    def __init__(self) -> None:
        self.ping = self._part(b"{}")

    def item(self, item: Item) -> bytes:
        """Return the part with an item."""
        return self._part(b'{"payload":%b}' % item.body)

    def refused(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the part with the errors of an operation that can't be executed."""
        return self._part(orjson.dumps({"payload": {"errors": errors}}))

    def failed(self, message: str, code: str) -> bytes:
        """Return the part with the reason why the stream ends."""
        error = {"message": message, "extensions": {"code": code}}
        return self._part(orjson.dumps({"payload": None, "errors": [error]}))

    def leaving(self) -> bytes:
        """Return the part that asks the client to subscribe again, and the end."""
        return self.failed(LEAVING, "SERVICE_STOPPING") + self.complete

    def _part(self, body: bytes) -> bytes:
        return b"\r\nContent-Type: application/json\r\n\r\n%b%b" % (body, _BOUNDARY)
