"""A client of a running service, as tests use it: over real HTTP and real websockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect


@dataclass(frozen=True)
class Answer:
    """A GraphQL response over HTTP."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]

    @property
    def token(self) -> str | None:
        token: str | None = self.headers.get("Consistency-Token")
        return token

    @property
    def freshness(self) -> dict[str, Any]:
        return {each["readModel"]: each for each in self.body["extensions"]["freshness"]}


ECHO = "the greatest token so far"


class Client:
    """Speaks GraphQL to the service at `url`, such as `http://127.0.0.1:8000`.

    Like any client that wants to read its own writes, it sends back the greatest token that it has seen,
    unless it is told to send another, or none.
    """

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http
        self.seen = ""

    async def send(
        self, query: str, variables: dict[str, Any] | None = None, *, token: str | None = ECHO
    ) -> Answer:
        token = (self.seen or None) if token is ECHO else token
        headers = {"Consistency-Token": token} if token is not None else {}
        response = await self.http.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, headers=headers
        )
        answer = Answer(response.status_code, response.headers, response.json())
        self.seen = max(self.seen, answer.token or "")
        return answer

    async def mutate(self, name: str, shown: str, /, **input: Any) -> dict[str, Any]:
        """Sends one mutation and returns its payload: `shown` of the entity, receipt and errors."""
        type_name = name[0].upper() + name[1:] + "Input"
        query = f"""mutation ($input: {type_name}!) {{ {name}(input: $input) {{
            {shown}
            receipt {{ commandId token events {{ eventId type subject position }} }}
            errors {{ __typename code message path
                ... on OutOfStock {{ productId requested available }}
                ... on VersionConflict {{ currentVersion }}
                ... on IllegalTransition {{ status requestedStatus }}
                ... on DuplicateSku {{ sku productId }}
            }} }} }}"""
        payload: dict[str, Any] = (await self.send(query, {"input": input})).data[name]
        return payload

    @asynccontextmanager
    async def subscribe(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> AsyncIterator["Stream"]:
        """The items of a subscription over graphql-transport-ws, on a connection with this token."""
        url = self.url.replace("http://", "ws://") + "/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"], max_queue=None) as socket:  # type: ignore[list-item]
            carried = {"Consistency-Token": token} if token else {}
            await socket.send(json.dumps({"type": "connection_init", "payload": carried}))
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            payload = {"query": query, "variables": variables, "extensions": extensions}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            yield Stream(socket)


class Stream:
    """What a subscription sends."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def message(self) -> dict[str, Any]:
        """The next message of any type."""
        message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def next(self) -> Any:
        """The next item: the value of the subscription's only field."""
        message = await self.message()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        [item] = message["payload"]["data"].values()
        return item
