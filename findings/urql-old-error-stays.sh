#!/usr/bin/env bash
# In urql, an error in one event of a subscription stays with all later events.
#
# Versions:  @urql/core 6.0.3, graphql 16.15.0, Node 20 or later
# Guess:     Each result that a subscription emits is the event as the server sent it: data, error, and extensions of
#            this event, as it is in Apollo Client and Relay.
# Behaviour: urql merges each event into the result before it, as for @defer. `data` is the newest, but an error that
#            an earlier event had is still in `error` of every later one, and its `extensions` too.
# Matters:   The usual `if (result.error)` shows an error for ever after one field failed once, though every event
#            since then is complete. For such clients a server reports failures in the data of its subscriptions.
# Seen:
#   sent: {"price":1}                      shown: {"price":1} error none                   extensions none
#   sent: {"price":null} and an error      shown: {"price":null} error [GraphQL] not known extensions {"at":2}
#   sent: {"price":3}                      shown: {"price":3} error [GraphQL] not known    extensions {"at":2}
#   sent: {"price":4}                      shown: {"price":4} error [GraphQL] not known    extensions {"at":2}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @urql/core@6.0.3 graphql@16.15.0

cat >subscription.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { Client, gql, subscriptionExchange } from "@urql/core";

const EVENTS = [
  { data: { price: 1 } },
  { data: { price: null }, errors: [{ message: "not known", path: ["price"] }], extensions: { at: 2 } },
  { data: { price: 3 } },
  { data: { price: 4 } },
];
const forwardSubscription = () => ({
  subscribe(sink) {
    (async () => {
      for (const event of EVENTS) {
        sink.next(event);
        await wait(20);
      }
    })();
    return { unsubscribe() {} };
  },
});
const client = new Client({
  url: "http://localhost/graphql",
  preferGetMethod: false,
  exchanges: [subscriptionExchange({ forwardSubscription })],
});

const shown = [];
await new Promise((resolve) => {
  client.subscription(gql`subscription { price }`, {}).subscribe((result) => {
    const { data, error, extensions } = result;
    const line = `${JSON.stringify(data)} error ${error?.message ?? "none"}`;
    shown.push([data.price, error?.message, extensions?.at]);
    const event = EVENTS[shown.length - 1];
    const sent = JSON.stringify(event.data) + (event.errors ? " and an error" : "");
    const last = `extensions ${JSON.stringify(extensions) ?? "none"}`;
    console.log("sent:", sent.padEnd(32), "shown:", line.padEnd(40), last);
    if (shown.length === EVENTS.length) resolve();
  });
});
const ERROR = "[GraphQL] not known";
assert.deepStrictEqual(shown, [[1, undefined, undefined], [null, ERROR, 2], [3, ERROR, 2], [4, ERROR, 2]]);
JAVASCRIPT
node subscription.mjs
