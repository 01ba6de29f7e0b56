#!/usr/bin/env bash
# graphql-ws gives up at once after close code 1011 or 1008, and tries again after 4403, "Forbidden".
#
# Versions:  graphql-ws 6.4.2 (client), ws 8.23.0, Node 20 or later
# Guess:     The codes from 4400 up that mean "not allowed" (4401 Unauthorized, 4403 Forbidden) are final. A server
#            that has an internal error (1011) or closes by policy (1008: too slow, too many) is tried again by
#            `retryAttempts`, as one that goes away (1001) or restarts (1012) is.
# Behaviour: Of the codes below, 4401 is final, and 4403 is tried again to the end of the attempts. 1011 and 1008 are
#            final: no attempt is made, and the subscription's error handler gets the close event. `shouldRetry: () =>
#            true`, which is set here, does not change that: it is asked only about what is not final.
# Matters:   A server that refuses by 4403 is asked again by each client, with the same token, and one that reports
#            its own fault by 1011 loses every client for good, in spite of their retries. Close with 4401 what is to
#            stay away, and with 1012 or 1013 what is to come back.
# Seen (connections made, with retryAttempts 2 and shouldRetry: () => true):
#   1001 Going Away          3
#   1008 Policy Violation    1
#   1011 Internal Error      1
#   1012 Service Restart     3
#   1013 Try Again Later     3
#   4401 Unauthorized        1
#   4403 Forbidden           3
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" graphql-ws@6.4.2 graphql@16.15.0 ws@8.23.0

cat >codes.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { createClient } from "graphql-ws";
import { WebSocket, WebSocketServer } from "ws";

// Returns how many connections the client makes to a server that closes each of them with the code.
async function connections(code) {
  const server = new WebSocketServer({ port: 0, handleProtocols: () => "graphql-transport-ws" });
  await once(server, "listening");
  let made = 0;
  server.on("connection", (socket) => {
    made += 1;
    socket.on("message", () => socket.close(code));
  });
  const client = createClient({
    url: `ws://127.0.0.1:${server.address().port}`,
    webSocketImpl: WebSocket,
    retryAttempts: 2,
    shouldRetry: () => true,
    retryWait: () => wait(50),
  });
  const closed = await new Promise((resolve, reject) => {
    client.subscribe({ query: "subscription { price }" }, { next: reject, complete: reject, error: resolve });
  });
  assert.strictEqual(closed.code, code);
  await client.dispose();
  server.close();
  return made;
}

const EXPECTED = {
  "1001 Going Away": 3,
  "1008 Policy Violation": 1,
  "1011 Internal Error": 1,
  "1012 Service Restart": 3,
  "1013 Try Again Later": 3,
  "4401 Unauthorized": 1,
  "4403 Forbidden": 3,
};
for (const [name, expected] of Object.entries(EXPECTED)) {
  const made = await connections(parseInt(name));
  console.log(name.padEnd(24), made);
  assert.strictEqual(made, expected, name);
}
JAVASCRIPT
node codes.mjs
