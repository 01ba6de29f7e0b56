#!/usr/bin/env bash
# graphql-ws and graphql-sse send a mutation again, up to five times, if the connection is lost before its answer.
#
# Versions:  graphql-ws 6.4.2, graphql-sse 2.6.1, ws 8.23.0, graphql 16.15.0, Node 20 or later
# Guess:     The clients resume subscriptions, which do no harm when they are repeated. If the connection is lost while a
#            mutation is on its way, nobody knows whether it was carried out, and its caller gets an error.
# Behaviour: All operations are alike to them. After the reconnection both send the mutation again, with the same
#            variables, and the caller sees one result, that of the last time, and no error. By default they do it five
#            times, with growing pauses. graphql-ws does so after each loss that it takes for a broken network, a server
#            that was killed among them, and graphql-sse, in its mode of distinct connections, after each broken response.
# Matters:   The server has committed the order, and goes down before its answer. When it is back, the client orders once
#            more, and shows one order. Send mutations by plain HTTP or with retryAttempts 0, or give each a key by which
#            the server knows it again.
# Seen (the server carries out what it gets, and cuts the connection instead of its first two answers):
#   graphql-ws    by default       carried out: 3   client got: {"data":{"place":"order 3"}}
#   graphql-ws    retryAttempts 0  carried out: 1   client got: an error
#   graphql-sse   by default       carried out: 3   client got: {"data":{"place":"order 3"}}
#   graphql-sse   retryAttempts 0  carried out: 1   client got: an error
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  graphql-ws@6.4.2 graphql-sse@2.6.1 ws@8.23.0 graphql@16.15.0

cat >repeated.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import { createClient as createSseClient } from "graphql-sse";
import { createClient } from "graphql-ws";
import WebSocket, { WebSocketServer } from "ws";

const MUTATION = { query: "mutation { place }" };
const CUTS = 2;

/** A service that carries out what it gets, over both protocols, and cuts the connection instead of some answers. */
let orders = 0;
const server = createServer(async (request, response) => {
  for await (const _ of request);
  orders += 1;
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  if (orders <= CUTS) return response.destroy();
  response.end(`event: next\ndata: ${answer()}\n\nevent: complete\ndata:\n\n`);
});
const sockets = new WebSocketServer({ server, handleProtocols: () => "graphql-transport-ws" });
sockets.on("connection", (socket) => {
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.type === "connection_init") socket.send('{"type":"connection_ack"}');
    if (message.type !== "subscribe") return;
    orders += 1;
    if (orders <= CUTS) return socket.terminate();
    socket.send(`{"id":"${message.id}","type":"next","payload":${answer()}}`);
    socket.send(`{"id":"${message.id}","type":"complete"}`);
  });
});
const answer = () => JSON.stringify({ data: { place: `order ${orders}` } });
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = `127.0.0.1:${server.address().port}`;

/** Send the mutation with a client, and return what the client got, and how often it was carried out. */
async function place(client) {
  orders = 0;
  const got = await new Promise((resolve) => {
    client.subscribe(MUTATION, {
      next: (result) => resolve(JSON.stringify(result)),
      error: () => resolve("an error"),
      complete() {},
    });
  });
  await client.dispose();
  return [orders, got];
}

const overSocket = (options) => createClient({ url: `ws://${address}`, webSocketImpl: WebSocket, ...options });
const overSse = (options) => createSseClient({ url: `http://${address}`, ...options });
const seen = [];
for (const [name, newClient] of [["graphql-ws", overSocket], ["graphql-sse", overSse]]) {
  for (const [title, options] of [["by default", {}], ["retryAttempts 0", { retryAttempts: 0 }]]) {
    const [times, got] = await place(newClient(options));
    console.log(`${name.padEnd(13)} ${title.padEnd(16)} carried out: ${times}   client got: ${got}`);
    seen.push([times, got]);
  }
}
sockets.close();
server.close();
server.closeAllConnections();
const repeated = [3, '{"data":{"place":"order 3"}}'];
assert.deepStrictEqual(seen, [repeated, [1, "an error"], repeated, [1, "an error"]]);
JAVASCRIPT
node repeated.mjs
