"""Reading your own writes with what speaks through httpx: gql, or what ariadne-codegen generates."""

from collections.abc import Awaitable, Callable

import httpx

HEADER = "Consistency-Token"


class LatestToken:
    """The greatest token that was seen: who sends it back never goes back in time.

    `httpx.AsyncClient(event_hooks=LatestToken().hooks)` does so. A token that the service refuses
    (`BAD_TOKEN`) is dropped: the next request does without it.
    """

    def __init__(self) -> None:
        self.seen = ""

    @property
    def hooks(self) -> dict[str, list[Callable[..., Awaitable[None]]]]:
        """What httpx calls before it sends a request, and when it has a response."""
        return {"request": [self._send], "response": [self._note]}

    async def _send(self, request: httpx.Request) -> None:
        if self.seen:
            request.headers[HEADER] = self.seen

    async def _note(self, response: httpx.Response) -> None:
        self.seen = max(self.seen, response.headers.get(HEADER, ""))
        # Every answer brings a token, unless it is a refusal; and a stream of answers is left alone.
        refuses = HEADER not in response.headers and "json" in response.headers.get("Content-Type", "")
        if refuses and b'"BAD_TOKEN"' in await response.aread():
            self.seen = ""
