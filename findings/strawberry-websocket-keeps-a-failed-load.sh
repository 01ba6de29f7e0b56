#!/usr/bin/env bash
# A strawberry DataLoader keeps a failed load, and a websocket has one context: it fails for as long as it is open.
#
# Versions:  strawberry-graphql 0.341.2, starlette 1.10.0, httpx 0.28.1, aiodataloader 0.4.3
# Guess:     get_context() is called for each operation, over HTTP as over a websocket, so that the loaders made there
#            live as long as one operation. And a batch that failed is asked for again, as with the DataLoader of
#            JavaScript and with aiodataloader, which forget the keys of a failed batch.
# Behaviour: Over graphql-transport-ws there is one context for the connection and all of its operations, and with it
#            one set of loaders. The strawberry DataLoader remembers a batch function's exception for each of its keys,
#            so that every later operation of the connection that needs one gets the old error, and nobody is asked
#            again. Values are kept in the same way: later queries and events get what was loaded first.
# Matters:   The database is away for a second while a page is loaded. Over HTTP the next request is right; the page on
#            the websocket shows the error until it is closed, maybe for days. Make loaders with cache=False, or clear
#            them, or make them in an extension for each operation.
# Seen (the batch function fails the first time, and later returns how often it was called):
#   HTTP, three requests                   down, 2, 3
#   one websocket, three queries           down, down, down   (called once)
#   one websocket, cache=False             down, 2, 3
#   a loader alone, twice: strawberry      down, down
#   a loader alone, twice: aiodataloader   down, 2
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  strawberry-graphql==0.341.2 starlette==1.10.0 httpx==0.28.1 aiodataloader==0.4.3

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import logging

import aiodataloader
import strawberry
from starlette.testclient import TestClient
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

logging.disable()  # strawberry logs the errors
QUERY = {"query": "{ price }"}


def failing_once():
    """Return a batch function that fails once and then returns how often it was called, and its calls."""
    calls = []

    async def load(keys):
        calls.append(keys)
        if len(calls) == 1:
            raise RuntimeError("down")
        return [len(calls)] * len(keys)

    return load, calls


@strawberry.type
class Query:
    @strawberry.field
    async def price(self, info: strawberry.Info) -> int:
        return await info.context["prices"].load("tea")


class App(GraphQL):
    def __init__(self, **options):
        super().__init__(strawberry.Schema(Query))
        self.load, self.calls = failing_once()
        self.options = options

    async def get_context(self, request, response):
        return {"prices": DataLoader(self.load, **self.options)}


def shown(answer):
    return answer["errors"][0]["message"] if answer.get("errors") else str(answer["data"]["price"])


def over_http():
    client = TestClient(App())
    return [shown(client.post("/", json=QUERY).json()) for _ in range(3)]


def over_websocket(app):
    answers = []
    with TestClient(app).websocket_connect("/", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        for id in ("1", "2", "3"):
            socket.send_json({"id": id, "type": "subscribe", "payload": QUERY})
            answer, end = socket.receive_json(), socket.receive_json()
            assert (answer["type"], end["type"]) == ("next", "complete")
            answers.append(shown(answer["payload"]))
    return answers


async def alone(kind):
    loader = kind(failing_once()[0])
    return [str(answer) for answer in [(await asyncio.gather(loader.load(1), return_exceptions=True))[0] for _ in "12"]]


app = App()
seen = {
    "HTTP, three requests": over_http(),
    "one websocket, three queries": over_websocket(app),
    "one websocket, cache=False": over_websocket(App(cache=False)),
    "a loader alone, twice: strawberry": asyncio.run(alone(DataLoader)),
    "a loader alone, twice: aiodataloader": asyncio.run(alone(aiodataloader.DataLoader)),
}
for name, answers in seen.items():
    note = "   (called once)" if len(app.calls) == 1 and set(answers) == {"down"} and len(answers) == 3 else ""
    print(f"{name:38} {', '.join(answers)}{note}")
again = ["down", "2", "3"]
assert list(seen.values()) == [again, ["down"] * 3, again, ["down"] * 2, ["down", "2"]], seen
assert len(app.calls) == 1, app.calls
PYTHON
