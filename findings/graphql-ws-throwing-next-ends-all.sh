#!/usr/bin/env bash
# In graphql-ws, an exception in one callback ends all subscriptions of the client, or makes it reconnect for ever.
#
# Versions:  graphql-ws 6.4.2, ws 8.18.0, graphql 16.15.0, Node 20 or later
# Guess:     If the `next` of one subscription throws, this is the affair of that subscription, or an unhandled error.
#            The others over the same socket go on, and the server notices nothing.
# Behaviour: The client takes the exception for a bad response and closes the socket with 4004. The error goes to each
#            subscription of the client, also to those whose callbacks are in order. By default nothing is retried. With
#            shouldRetry: () => true all of them connect and subscribe anew, get the same event, fail the same way, and
#            retryAttempts never runs out, since each connection succeeds.
# Matters:   A page with ten feeds loses all ten to one null that one callback did not expect, or loads the server with
#            reconnects as fast as retryWait allows; its log blames the server's response. Catch in each `next`.
# Seen:
#   the healthy one sees: 1, error: no price
#   the server sees: 4004 no price; connections: 1
#   with shouldRetry: () => true, and 3 attempts: more than 20 connections in a second
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" graphql@16.15.0 graphql-ws@6.4.2 ws@8.18.0

cat >feeds.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { createClient } from "graphql-ws";
import WebSocket, { WebSocketServer } from "ws";

let connections = 0;
let closed;
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "graphql-transport-ws" });
server.on("connection", (socket) => {
  connections += 1;
  const send = (message) => socket.send(JSON.stringify(message));
  socket.on("close", (code, reason) => (closed = `${code} ${reason}`));
  socket.on("message", (text) => {
    const { type, id } = JSON.parse(text);
    if (type === "connection_init") send({ type: "connection_ack" });
    if (type === "subscribe") send({ type: "next", id, payload: { data: { price: 1 } } });
  });
});
await new Promise((resolve) => server.on("listening", resolve));
const url = `ws://127.0.0.1:${server.address().port}/`;

// Follows a healthy feed and one whose callback throws, and returns what the healthy one saw within a second.
async function follow(options) {
  connections = 0;
  const seen = [];
  const retryWait = () => wait(10);
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 3, retryWait, ...options });
  const subscribe = (next, error) =>
    client.subscribe({ query: "subscription { price }" }, { next, error, complete: () => seen.push("complete") });
  subscribe(
    ({ data }) => seen.push(data.price),
    (error) => seen.push(`error: ${error.message}`),
  );
  while (seen.length === 0) await wait(10);
  subscribe(
    () => {
      throw new Error("no price");
    },
    () => {},
  );
  await wait(1000);
  return [seen, connections];
}

const [seen, made] = await follow({});
console.log(`the healthy one sees: ${seen.join(", ")}`);
console.log(`the server sees: ${closed}; connections: ${made}`);
const [, retried] = await follow({ shouldRetry: () => true });
const number = retried > 20 ? "more than 20" : retried;
console.log(`with shouldRetry: () => true, and 3 attempts: ${number} connections in a second`);
assert.deepStrictEqual(seen, [1, "error: no price"]);
assert.strictEqual(closed, "4004 no price");
assert.strictEqual(made, 1);
assert(retried > 20, retried);
process.exit(0);
JAVASCRIPT
node feeds.mjs
