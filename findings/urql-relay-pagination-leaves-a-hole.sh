#!/usr/bin/env bash
# graphcache's relayPagination joins a refreshed first page to an old second one, and the items between are gone.
#
# Versions:  @urql/exchange-graphcache 9.0.2, @urql/core 6.0.3, @apollo/client 4.3.8 (for comparison),
#            graphql 16.15.0, rxjs 7.8.2, Node 20 or later
# Guess:     The pages that were loaded are one list. When the first page is fetched again, after a new order came in
#            front, the list starts anew with it, as with Apollo's relayStylePagination, or pages that don't follow each
#            other are told by their cursors.
# Behaviour: The newest result of each set of arguments is a page, and the pages are put one after the other, without
#            the items that they have twice. The new first page ends one item earlier, the second begins where it began
#            before, and the item between them is in no page. The pageInfo is that of the end, so that "more" goes on
#            after it, and nothing ever loads what is missing.
# Matters:   A list of orders that is refreshed at each new one, with two pages open, loses one order at each, which
#            looks like an order that was never placed. Fetch all pages again that are shown.
# Seen (pages of 2, the newest first; order 6 is new after two pages were loaded):
#                                      urql          Apollo
#   two pages                          5 4 3 2       5 4 3 2
#   first page again, order 6 is new   6 5 3 2       6 5
#   more, after the end cursor         6 5 3 2 1     6 5 4 3
#   held by the server                 6 5 4 3 2 1   6 5 4 3 2 1
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  @urql/core@6.0.3 @urql/exchange-graphcache@9.0.2 @apollo/client@4.3.8 graphql@16.15.0 rxjs@7.8.2

cat >pages.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { ApolloClient, ApolloLink, gql, InMemoryCache } from "@apollo/client/core/index.js";
import { relayStylePagination } from "@apollo/client/utilities/index.js";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { of } from "rxjs";

const QUERY = gql`
  query Orders($first: Int!, $after: String) {
    orders(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
  }`;

/** A connection by the rules of Relay, whose cursors are the ids: nothing moves when something new comes in front. */
let held;
function orders({ first, after }) {
  const rest = after ? held.slice(held.indexOf(after) + 1) : held;
  const page = rest.slice(0, first);
  const edges = page.map((id) => ({ __typename: "Edge", cursor: id, node: { __typename: "Order", id } }));
  const pageInfo = { __typename: "PageInfo", hasNextPage: rest.length > first, endCursor: page.at(-1) ?? null };
  return { __typename: "Connection", edges, pageInfo };
}

const none = () => null;
function newUrql() {
  const fetch = async (url, { body }) => {
    const { variables } = JSON.parse(body);
    const headers = { "content-type": "application/json" };
    return new Response(JSON.stringify({ data: { orders: orders(variables) } }), { headers });
  };
  const cache = cacheExchange({
    keys: { Connection: none, Edge: none, PageInfo: none },
    resolvers: { Query: { orders: relayPagination() } },
  });
  const exchanges = [cache, fetchExchange];
  const client = new Client({ url: "http://shop/graphql", fetch, preferGetMethod: false, exchanges });
  return async (variables, requestPolicy) =>
    (await client.query(QUERY, { first: 2, ...variables }, { requestPolicy }).toPromise()).data.orders;
}
function newApollo() {
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { orders: relayStylePagination() } } } });
  const link = new ApolloLink(({ variables }) => of({ data: { orders: orders(variables) } }));
  const client = new ApolloClient({ cache, link });
  return async (variables) => {
    const query = { query: QUERY, variables: { first: 2, ...variables } };
    await client.query({ ...query, fetchPolicy: "network-only" });
    return (await client.query(query)).data.orders; // as the cache joins it
  };
}

const ids = ({ edges }) => edges.map((edge) => edge.node.id).join(" ");
async function scene(load) {
  held = ["5", "4", "3", "2", "1"];
  const { pageInfo } = await load({});
  const two = await load({ after: pageInfo.endCursor });
  held = ["6", ...held];
  const again = await load({}, "network-only");
  const more = await load({ after: again.pageInfo.endCursor });
  return [ids(two), ids(again), ids(more), held.join(" ")];
}

const [urql, apollo] = [await scene(newUrql()), await scene(newApollo())];
const titles = [
  "two pages", "first page again, order 6 is new", "more, after the end cursor", "held by the server"
];
console.log(`${"".padEnd(34)} ${"urql".padEnd(13)} Apollo`);
titles.forEach((title, at) => console.log(`${title.padEnd(34)} ${urql[at].padEnd(13)} ${apollo[at]}`));
assert.deepStrictEqual(urql, ["5 4 3 2", "6 5 3 2", "6 5 3 2 1", "6 5 4 3 2 1"]);
assert.deepStrictEqual(apollo, ["5 4 3 2", "6 5", "6 5 4 3", "6 5 4 3 2 1"]);
JAVASCRIPT
node pages.mjs
