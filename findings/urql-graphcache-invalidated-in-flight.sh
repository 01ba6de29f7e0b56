#!/usr/bin/env bash
# In urql's Graphcache, invalidating a field while its query is under way makes that query null for good.
#
# Versions:  @urql/exchange-graphcache 9.0.2, @urql/core 6.0.3, graphql 16.15.0, Node 20 or later
# Guess:     cache.invalidate("Query", "products"), the usual last line of a mutation's updater, makes the queries that
#            use the field ask the server again. If one of them is under way, it is asked again after it, or at worst
#            shows what it brings.
# Behaviour: The request in flight is kept as a layer below the mutation's, so the invalidation hides what it brings:
#            the query emits data null, without an error, not stale, and asks nothing more. The next invalidation
#            doesn't help, for there is nothing cached to refresh. Without a request in flight it works as guessed.
# Matters:   A user who acts while a list is refreshed (cache-and-network, polling) sees an empty page that looks
#            complete, until something asks with network-only. It depends on milliseconds, so tests are green.
# Seen (shown, and the requests for the list that were sent after the mutation):
#   nothing in flight:  ["tea"]              then ["tea","coffee"]      sent 1
#   in flight:          ["tea"]              then null                  sent 0
#   invalidated again:  null (error none, stale false)                 sent 0
#   network-only:       ["tea","coffee","cocoa"]                       sent 1
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  @urql/exchange-graphcache@9.0.2 @urql/core@6.0.3 graphql@16.15.0

cat >invalidating.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";

const NAMES = gql`query Names { products { __typename id name } }`;
const ADD = gql`mutation Add($name: String!) { add(name: $name) }`;

/** Return a client, and its shop: queries take 100 ms and read at their beginning, mutations take 20 ms. */
function newClient() {
  const shop = { names: ["tea"], queries: 0 };
  const fetch = async (_url, { body }) => {
    const { operationName, variables } = JSON.parse(body);
    let data;
    if (operationName === "Add") {
      await wait(20);
      shop.names.push(variables.name);
      shop.queries = 0;
      data = { add: true };
    } else {
      shop.queries += 1;
      data = { products: shop.names.map((name, id) => ({ __typename: "Product", id, name })) };
      await wait(100);
    }
    return new Response(JSON.stringify({ data }), { headers: { "content-type": "application/json" } });
  };
  const updates = { Mutation: { add: (_result, _args, cache) => cache.invalidate("Query", "products") } };
  const exchanges = [cacheExchange({ updates }), fetchExchange];
  const client = new Client({ url: "http://localhost/graphql", preferGetMethod: false, fetch, exchanges });
  return { client, shop };
}

const names = (result) => JSON.stringify(result.data?.products.map(({ name }) => name) ?? null);
const seen = [];

async function adding(inFlight) {
  const { client, shop } = newClient();
  let shown;
  await client.query(NAMES, {}).toPromise();
  const requestPolicy = inFlight ? "cache-and-network" : "cache-first";
  client.query(NAMES, {}, { requestPolicy }).subscribe((result) => (shown = result));
  const before = names(shown);
  await client.mutation(ADD, { name: "coffee" }).toPromise();
  await wait(300);
  const label = inFlight ? "in flight:" : "nothing in flight:";
  console.log(label.padEnd(19), before.padEnd(20), "then", names(shown).padEnd(21), `sent ${shop.queries}`);
  seen.push([before, names(shown), shop.queries]);
  return { client, shop, last: () => shown };
}

await adding(false);
const { client, shop, last } = await adding(true);
await client.mutation(ADD, { name: "cocoa" }).toPromise();
await wait(300);
const { error, stale } = last();
const state = `${names(last())} (error ${error ?? "none"}, stale ${stale})`;
console.log("invalidated again: ", state.padEnd(46), `sent ${shop.queries}`);
seen.push([state, shop.queries]);
const asked = await client.query(NAMES, {}, { requestPolicy: "network-only" }).toPromise();
console.log("network-only:      ", names(asked).padEnd(46), `sent ${shop.queries}`);
seen.push([names(asked), shop.queries]);
assert.deepStrictEqual(seen, [
  ['["tea"]', '["tea","coffee"]', 1],
  ['["tea"]', "null", 0],
  ["null (error none, stale false)", 0],
  ['["tea","coffee","cocoa"]', 1],
]);
JAVASCRIPT
node invalidating.mjs
