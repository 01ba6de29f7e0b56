#!/usr/bin/env bash
# Behind uvicorn, a graphql-ws client that slept through two pings does not come back.
#
# Versions:  uvicorn 0.54.0 (websockets 17.4), graphql-ws 6.4.2 (client), ws 8.23.0, Node 20 or later
# Guess:     A client whose process stands still (a laptop asleep, a frozen tab) misses uvicorn's ping and loses its
#            connection. When it wakes, graphql-ws connects and subscribes again, by its `retryAttempts`.
# Behaviour: uvicorn closes with 1011, "keepalive ping timeout". The client finds the close frame in its socket when
#            it wakes, and takes 1011 for a final error of the server: the subscription ends with that close event,
#            and no attempt is made to connect again. The same pause with uvicorn's pings off costs nothing.
# Matters:   With the defaults of both, some 40 s of standing still end all subscriptions of a page, and only a reload
#            brings them back; `shouldRetry` is not asked. Set ws_ping_interval=None, and ping by the messages of
#            graphql-transport-ws: what the server then closes with is its own choice (4499, for example, is retried).
# Seen (pings each second here, the client stands still for 5 s):
#   pings off: went on
#   pings on: gave up with 1011 keepalive ping timeout, after 1 connection
set -euo pipefail

folder=$(mktemp -d)
server=
stop() { if [ -n "$server" ]; then kill "$server"; wait "$server" || true; server=; fi; }
trap 'stop; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 websockets==17.4
npm install --silent --no-audit --no-fund --prefix "$folder" graphql-ws@6.4.2 graphql@16.15.0 ws@8.23.0

cat >service.py <<'PYTHON'
import json


async def app(scope, receive, send):
    """Answer one subscription with an event, and once more whenever the client sends a ping."""

    async def say(**message):
        await send({"type": "websocket.send", "text": json.dumps(message)})

    await receive()
    await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
    identity = ""
    while (message := await receive())["type"] == "websocket.receive":
        said = json.loads(message["text"])
        if said["type"] == "connection_init":
            await say(type="connection_ack")
        elif said["type"] in ("subscribe", "ping"):
            identity = said.get("id", identity)
            await say(type="next", id=identity, payload={"data": {"price": 1}})
PYTHON

cat >sleeper.mjs <<'JAVASCRIPT'
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

let connections = 0;
let events = 0;
let socket;
const ended = (outcome) => {
  console.log(outcome);
  process.exit(0);
};
const client = createClient({
  url: `ws://127.0.0.1:${process.argv[2]}`,
  webSocketImpl: WebSocket,
  retryAttempts: 2,
  shouldRetry: () => true,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  on: { connected: (opened) => { socket = opened; connections += 1; } },
});
client.subscribe({ query: "subscription { price }" }, {
  next() {
    events += 1;
    if (events === 2) ended("went on");
    setTimeout(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000); // the whole process stands still
      setTimeout(() => socket.readyState === 1 && socket.send('{"type":"ping"}'), 500);
    }, 100);
  },
  error: ({ code, reason }) => ended(`gave up with ${code} ${reason}, after ${connections} connection`),
  complete: () => ended("completed"),
});
setTimeout(() => ended("nothing happened"), 20000);
JAVASCRIPT

run() { # runs the client against a uvicorn with these options
  local port
  port=$(venv/bin/python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  venv/bin/uvicorn service:app --port "$port" --lifespan off --log-level error "$@" >log 2>&1 &
  server=$!
  for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  node sleeper.mjs "$port" >outcome
  stop
}
run --ws-ping-interval 600
without=$(cat outcome)
run --ws-ping-interval 1 --ws-ping-timeout 1
with=$(cat outcome)
echo "pings off: $without"
echo "pings on: $with"
[ "$without" = "went on" ]
[ "$with" = "gave up with 1011 keepalive ping timeout, after 1 connection" ]
