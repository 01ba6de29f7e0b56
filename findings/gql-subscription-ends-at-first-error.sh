#!/usr/bin/env bash
# In gql, one event with a field error ends the whole subscription on the client's side.
#
# Versions:  gql 4.4.0 (websockets 17.4, protocol graphql-transport-ws)
# Guess:     A `next` message with data and errors is one result among others. With get_execution_result=True,
#            subscribe() yields it as ExecutionResult with `errors`, and the next events follow, since the protocol
#            ends a subscription with `error` or `complete` only.
# Behaviour: subscribe() raises TransportQueryError at the first result that has errors, also with
#            get_execution_result=True, and the generator is over. The client has left the subscription, though the
#            server has sent the next event as well, and nothing that ends it.
# Matters:   One nullable field that fails once, in one event, cuts the feed. TransportQueryError is what callers take
#            for "the server refuses this query", so they give up, where they should subscribe again from the last
#            cursor. A server for such clients reports failures as data.
# Seen:
#   get_execution_result=False: 1, then TransportQueryError: the price is not known
#   get_execution_result=True: 1, then TransportQueryError: the price is not known
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'gql[websockets]==4.4.0' websockets==17.4

"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import json

import gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.server import serve

EVENTS = (
    {"data": {"price": 1}},
    {"data": {"price": None}, "errors": [{"message": "the price is not known", "path": ["price"]}]},
    {"data": {"price": 3}},
)


async def server(socket):
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "connection_init":
            await socket.send(json.dumps({"type": "connection_ack"}))
        elif message["type"] == "subscribe":
            for event in EVENTS:
                await socket.send(json.dumps({"type": "next", "id": message["id"], "payload": event}))
            await socket.send(json.dumps({"type": "complete", "id": message["id"]}))


async def follow(port, full):
    seen = []
    async with gql.Client(transport=WebsocketsTransport(url=f"ws://127.0.0.1:{port}")) as session:
        try:
            async for result in session.subscribe(gql.gql("subscription { price }"), get_execution_result=full):
                seen.append((result.data if full else result)["price"])
        except TransportQueryError as error:
            seen.append(f"{type(error).__name__}: {error.errors[0]['message']}")
    print(f"get_execution_result={full}:", ", then ".join(map(str, seen)))
    return seen


async def main():
    async with serve(server, "127.0.0.1", 0, subprotocols=["graphql-transport-ws"]) as listening:
        port = listening.sockets[0].getsockname()[1]
        for full in (False, True):
            assert await follow(port, full) == [1, "TransportQueryError: the price is not known"]


asyncio.run(main())
PYTHON
