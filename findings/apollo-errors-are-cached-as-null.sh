#!/usr/bin/env bash
# With errorPolicy "all", Apollo Client caches the null of a failed field, and serves it without the error from then on.
#
# Versions:  @apollo/client 4.3.8, graphql 16.15.0, rxjs 7.8.2, Node 20 or later
# Guess:     A field that failed is null in this one result, beside its error. It is not in the cache, so the next query
#            that needs it asks the server; at least one whose errorPolicy is "none", which refuses such results.
# Behaviour: The null is written to the cache as if it were the field's value. The same query again, and each other
#            query that needs the field, gets it from the cache, without an error and without a request, also under
#            errorPolicy "none". A value that was in the cache before is overwritten. "ignore" does the same; "none"
#            writes nothing.
# Matters:   One timeout of the price service, and "no price" is shown as a fact on every page, to code that handles
#            errors and to code that would have refused the result, until something refetches. Give a query with "all"
#            the fetchPolicy "no-cache", or let the server make the field an object that can say "unavailable".
# Seen (the price was 4 and then fails once; later the server has 5):
#   "all", failing          {"name":"tea","price":null}   error down   requests 1
#   "all", once more        {"name":"tea","price":null}   error none   requests 0
#   "none", another query   {"price":null}                error none   requests 0
#   "none", network-only    {"price":5}                   error none   requests 1
#   "none", failing         nothing                       error down   requests 1
#   "none", once more       {"name":"tea","price":4}      error none   requests 0
#   "ignore", failing       {"name":"tea","price":null}   error none   requests 1
#   "none", another query   {"price":null}                error none   requests 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @apollo/client@4.3.8 graphql@16.15.0 rxjs@7.8.2

cat >cached.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { ApolloClient, ApolloLink, gql, InMemoryCache } from "@apollo/client/core/index.js";
import { of } from "rxjs";

const CARD = gql`query Card { product { id name price } }`;
const PRICE = gql`query Price { product { id price } }`;
const FAILED = [{ message: "down", path: ["product", "price"] }];

/** Return a client whose cache has the price 4, and its server, which counts requests. */
async function newClient() {
  const server = { price: 4, failing: false, requests: 0 };
  const link = new ApolloLink(() => {
    server.requests += 1;
    const price = server.failing ? null : server.price;
    const data = { product: { __typename: "Product", id: 1, name: "tea", price } };
    return of(server.failing ? { data, errors: FAILED } : { data });
  });
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  await client.query({ query: CARD });
  return { client, server };
}

const seen = [];

/** Query, and note what is shown and how many requests it took. */
async function show(title, { client, server }, options) {
  server.requests = 0;
  let data, error;
  try {
    ({ data, error } = await client.query(options));
  } catch (thrown) {
    error = thrown;
  }
  const { id, __typename, ...shown } = data?.product ?? {};
  const text = data ? JSON.stringify(shown) : "nothing";
  console.log(`${title.padEnd(23)} ${text.padEnd(29)} error ${error?.message ?? "none"}   requests ${server.requests}`);
  seen.push([text, error?.message, server.requests]);
}

let shop = await newClient();
shop.server.failing = true;
await show('"all", failing', shop, { query: CARD, errorPolicy: "all", fetchPolicy: "network-only" });
Object.assign(shop.server, { failing: false, price: 5 });
await show('"all", once more', shop, { query: CARD, errorPolicy: "all" });
await show('"none", another query', shop, { query: PRICE, errorPolicy: "none" });
await show('"none", network-only', shop, { query: PRICE, errorPolicy: "none", fetchPolicy: "network-only" });

shop = await newClient();
shop.server.failing = true;
await show('"none", failing', shop, { query: CARD, errorPolicy: "none", fetchPolicy: "network-only" });
await show('"none", once more', shop, { query: CARD, errorPolicy: "none" });

shop = await newClient();
shop.server.failing = true;
await show('"ignore", failing', shop, { query: CARD, errorPolicy: "ignore", fetchPolicy: "network-only" });
await show('"none", another query', shop, { query: PRICE, errorPolicy: "none" });

assert.deepStrictEqual(seen, [
  ['{"name":"tea","price":null}', "down", 1],
  ['{"name":"tea","price":null}', undefined, 0],
  ['{"price":null}', undefined, 0],
  ['{"price":5}', undefined, 1],
  ["nothing", "down", 1],
  ['{"name":"tea","price":4}', undefined, 0],
  ['{"name":"tea","price":null}', undefined, 1],
  ['{"price":null}', undefined, 0],
]);
JAVASCRIPT
node cached.mjs
