"""A client of server-sent events, as strict as the strictest of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.schema.client import Client


@dataclass(frozen=True)
class Event:
    """One event, or a comment, whose name is empty."""

    name: str
    data: str = ""
    id: str = ""

    @property
    def result(self) -> Any:
        """The execution result that it carries."""
        assert self.name == "next"
        return json.loads(self.data)

    @property
    def item(self) -> Any:
        """The value of the subscription's only field."""
        assert "errors" not in self.result
        [value] = self.result["data"].values()
        return value


COMPLETE = Event("complete")


class Events:
    """The events of a response, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._blocks = _blocks(response)

    async def block(self) -> Event:
        """The next event or comment; raises `StopAsyncIteration` at the end."""
        name = data = id = ""
        for line in (await anext(self._blocks)).split("\n"):
            field, _, value = line.partition(":")
            match field:
                case "event":
                    name = value.removeprefix(" ")
                case "data":
                    data = value.removeprefix(" ")
                case "id":
                    id = value.removeprefix(" ")
                case "retry":
                    name, data = "retry", value.removeprefix(" ")
                case _:
                    assert line == ":", line
        return Event(name, data, id)

    async def next(self) -> Event:
        """The next event."""
        while not (event := await self.block()).name:
            pass
        return event

    async def rest(self) -> list[Event]:
        """All events up to the end."""
        events: list[Event] = []
        try:
            while True:
                events.append(await self.next())
        except StopAsyncIteration:
            return events


async def _blocks(response: httpx.Response) -> AsyncIterator[str]:
    """What empty lines divide; there must be no other line ends than LF."""
    received = b""
    async for chunk in response.aiter_raw():
        assert b"\r" not in chunk
        received += chunk
        *blocks, received = received.split(b"\n\n")
        for block in blocks:
            yield block.decode()
    assert received == b""


@asynccontextmanager
async def events_of(
    client: Client, query: str, variables: dict[str, Any] | None = None, **headers: Any
) -> AsyncIterator[Events]:
    """Sends an operation with POST, and asks for an event stream unless `headers` ask for something else."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"query": query, "variables": variables}
    async with client.http.stream(
        "POST", f"{client.url}/graphql", json=body, headers={"Accept": "text/event-stream", **named}
    ) as response:
        yield Events(response)


@asynccontextmanager
async def event_source(
    client: Client, query: str, variables: dict[str, Any] | None = None, **headers: Any
) -> AsyncIterator[Events]:
    """Sends an operation with GET, as the EventSource of a browser does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    parameters = {"query": query, "variables": json.dumps(variables or {})}
    async with client.http.stream(
        "GET", f"{client.url}/graphql", params=parameters, headers={"Accept": "text/event-stream", **named}
    ) as response:
        yield Events(response)
