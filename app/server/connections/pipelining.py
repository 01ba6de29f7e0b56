"""uvicorn's HTTP connections, with requests that are parsed a few at a time if a client pipelines many.

uvicorn makes some ten objects of a request as soon as it has arrived. A client that sends hundreds, but does
not read the answers, would keep all of them in memory. Forty such clients would double the length of a full
garbage collection, during which no request is answered. Bytes take less memory, and no time in a collection.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_PIPELINED = 4
"""Requests that wait on one connection; later ones remain bytes."""

PART = 512
"""Bytes that are parsed at once while many requests wait; the smallest requests take 20 bytes each."""

MOST_UNPARSED = 1_000_000
"""Bytes that may remain on one connection; a client that sends more is disconnected."""


class PipelinedConnection(HttpToolsProtocol):
    """An HTTP connection that parses a request only if few others wait before it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unparsed = bytearray()

    def data_received(self, data: bytes) -> None:
        """Parse the received bytes, or keep them until fewer requests wait."""
        if not self.parses:
            return
        if (
            self._unparsed
            or len(self.pipeline) >= MOST_PIPELINED
            or (len(data) > PART and data.count(b" HTTP/1.") > MOST_PIPELINED)
        ):
            self._unparsed += data
            self._parse_parts()
        else:
            self.parse(data)

    def parse(self, data: bytes) -> None:
        """Parse received bytes."""
        super().data_received(data)

    @property
    def parses(self) -> bool:
        """True if received bytes are still to be parsed."""
        return not self.transport.is_closing()

    @property
    def has_unparsed(self) -> bool:
        """True if received bytes remain, so that the client is not the one who is waited for."""
        return bool(self._unparsed)

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        super().on_response_complete()
        if self._unparsed:
            self._parse_parts()

    def forget_requests(self) -> None:
        """Drop the requests that wait."""
        self.pipeline.clear()
        self._unparsed.clear()

    def _parse_parts(self) -> None:
        while self._unparsed and len(self.pipeline) < MOST_PIPELINED and self.parses:
            part = bytes(self._unparsed[:PART])
            del self._unparsed[:PART]
            self.parse(part)
        if not self.parses:
            self._unparsed.clear()
        elif len(self._unparsed) > MOST_UNPARSED:
            self.transport.abort()
        elif self._unparsed:
            self.flow.pause_reading()
