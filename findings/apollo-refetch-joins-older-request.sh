#!/usr/bin/env bash
# A refetch after a mutation joins the request that was under way before it, and shows the state before the mutation.
#
# Versions:  @apollo/client 4.3.8, @urql/core 6.0.3, graphql 16.15.0, Node 20 or later
# Guess:     Equal requests that components make at the same moment are sent once. A refetch is no such request: with
#            refetchQueries, or `network-only` after a mutation, the client sends a new one, and another header makes
#            it another request.
# Behaviour: Both clients give the refetch the answer of the request in flight, which was read before the mutation.
#            Nothing is sent after the mutation, not even with a header of its own. In Apollo Client
#            context: {queryDeduplication: false} sends it; urql has no such switch for a query.
# Matters:   awaitRefetchQueries resolves, and the screen shows the stock from before the purchase, until somebody asks
#            again; more often the slower the query is, or if it is polled. A token for "read your own writes" that is
#            put into a header per request is never sent. In an argument of the query it makes another request.
# Seen (a query is under way while the mutation takes one from a stock of 10; sent: the requests after it):
#   Apollo  refetchQueries, awaited                   shows 10, sent 0
#   Apollo  network-only, another header              shows 10, sent 0
#   Apollo  the same without queryDeduplication       shows  9, sent 1
#   Apollo  network-only, another argument            shows  9, sent 1
#   urql    network-only, another header              shows 10, sent 0
#   urql    network-only, another argument            shows  9, sent 1
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  @apollo/client@4.3.8 rxjs@7.8.2 @urql/core@6.0.3 graphql@16.15.0

cat >refetching.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { Client, fetchExchange, gql as document } from "@urql/core";

const STOCK = "query Stock($atLeast: String) { stock(atLeast: $atLeast) }";
const BUY = "mutation Buy { buy }";
const url = "http://localhost/graphql";
const headers = { "consistency-token": "after the purchase" };

/** Return a shop with a stock of 10, whose queries take 150 ms and read at their beginning. */
function newShop() {
  const shop = { stock: 10, queries: 0 };
  shop.fetch = async (_url, { body }) => {
    const { operationName } = JSON.parse(body);
    let data;
    if (operationName === "Buy") {
      await wait(20);
      shop.stock -= 1;
      shop.queries = 0;
      data = { buy: true };
    } else {
      shop.queries += 1;
      data = { stock: shop.stock };
      await wait(150);
    }
    return new Response(JSON.stringify({ data }), { headers: { "content-type": "application/json" } });
  };
  return shop;
}

const seen = [];
function show(client, how, data, { queries }) {
  console.log(client.padEnd(7), how.padEnd(41), `shows ${String(data.stock).padStart(2)}, sent ${queries}`);
  seen.push([data.stock, queries]);
}

async function withApollo(how, mutated, options) {
  const shop = newShop();
  const link = new HttpLink({ uri: url, fetch: shop.fetch });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const query = gql(STOCK);
  client.watchQuery({ query }).subscribe(() => {}); // its request is under way
  await client.mutate({ mutation: gql(BUY), ...mutated });
  const asked = options ? await client.query({ query, fetchPolicy: "network-only", ...options }) : undefined;
  show("Apollo", how, asked?.data ?? client.readQuery({ query }), shop);
  client.stop();
}

async function withUrql(how, variables, context) {
  const shop = newShop();
  const client = new Client({ url, preferGetMethod: false, fetch: shop.fetch, exchanges: [fetchExchange] });
  client.query(document(STOCK), {}).subscribe(() => {}); // its request is under way
  await client.mutation(document(BUY), {}).toPromise();
  const asked = await client
    .query(document(STOCK), variables, { requestPolicy: "network-only", ...context })
    .toPromise();
  show("urql", how, asked.data, shop);
}

const ARGUMENT = { atLeast: "after the purchase" };
await withApollo("refetchQueries, awaited", { refetchQueries: ["Stock"], awaitRefetchQueries: true });
await withApollo("network-only, another header", {}, { context: { headers } });
await withApollo("the same without queryDeduplication", {}, { context: { headers, queryDeduplication: false } });
await withApollo("network-only, another argument", {}, { variables: ARGUMENT });
await withUrql("network-only, another header", {}, { fetchOptions: { headers } });
await withUrql("network-only, another argument", ARGUMENT, {});
assert.deepStrictEqual(seen, [[10, 0], [10, 0], [9, 1], [9, 1], [10, 0], [9, 1]]);
JAVASCRIPT
node refetching.mjs
