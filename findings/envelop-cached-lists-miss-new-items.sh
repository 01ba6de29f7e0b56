#!/usr/bin/env bash
# Envelop's response cache serves a list without the order that a mutation has just made, for ever.
#
# Versions:  @envelop/response-cache 9.3.1, graphql-yoga 5.24.1, graphql 16.15.0, Node 20 or later
# Guess:     A mutation that returns an Order invalidates the cached responses with orders in them, at least lists of
#            Order, as urql's cache does it by the name of the type. And what is missed is gone after some time.
# Behaviour: It invalidates the responses in which an entity with that type and id was seen. A new order was in none:
#            lists stay without it, the empty one and the full one, and `order(id: 2)` stays null. The default of `ttl` is
#            Infinity, so that it stays so until another mutation returns an order that is in the list.
# Matters:   What one sees most, the list after "add", is what is wrong, and in a test with one order that is changed all
#            is right. Give a ttl, or call cache.invalidate([{ typename: "Order" }]) after mutations that make one.
# Seen:
#   { orders { id } }              before [{"id":"1"}]       after place [{"id":"1"}]
#   { orders(open: true) { id } }  before []                 after place []
#   { order(id: 2) { id } }        before null               after place null
#   the resolvers were called      3 times                   no more
#   after { change(id: 1) { id } } the first list is         [{"id":"1"},{"id":"2"}]
#   after invalidate of Order      [{"id":"1"},{"id":"2"}] [{"id":"2"}] {"id":"2"}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  @envelop/core@5.6.1 @envelop/response-cache@9.3.1 graphql-yoga@5.24.1 graphql@16.15.0

cat >cached.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { createInMemoryCache, useResponseCache } from "@envelop/response-cache";
import { createSchema, createYoga } from "graphql-yoga";

const orders = [{ id: "1", open: false }];
let calls = 0;
const counting = (resolve) => (root, args) => {
  calls += 1;
  return resolve(args);
};
const place = () => {
  orders.push({ id: String(orders.length + 1), open: true });
  return orders.at(-1);
};
const byId = ({ id }) => orders.find((order) => order.id === id);
const schema = createSchema({
  typeDefs: `
    type Order { id: ID!, open: Boolean! }
    type Query { orders(open: Boolean): [Order!]!, order(id: ID!): Order }
    type Mutation { place: Order!, change(id: ID!): Order }`,
  resolvers: {
    Query: {
      orders: counting(({ open }) => orders.filter((order) => open === undefined || order.open === open)),
      order: counting(byId),
    },
    Mutation: { place, change: (root, args) => byId(args) },
  },
});
const cache = createInMemoryCache();
const yoga = createYoga({ schema, logging: false, plugins: [useResponseCache({ session: () => null, cache })] });

async function ask(query) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ query });
  const { data } = await (await yoga.fetch("http://shop/graphql", { method: "POST", headers, body })).json();
  return JSON.stringify(Object.values(data)[0]);
}

const QUERIES = ["{ orders { id } }", "{ orders(open: true) { id } }", "{ order(id: 2) { id } }"];
const before = [];
for (const query of QUERIES) before.push(await ask(query));
const placed = await ask("mutation { place { id open } }");
const callsBefore = calls;
const after = [];
for (const query of QUERIES) after.push(await ask(query));
QUERIES.forEach((query, at) => {
  console.log(`${query.padEnd(30)} before ${before[at].padEnd(18)} after place ${after[at]}`);
});
console.log(`the resolvers were called      ${callsBefore} times${" ".repeat(19)}${calls > callsBefore ? "again" : "no more"}`);
assert.strictEqual(placed, '{"id":"2","open":true}');
assert.deepStrictEqual(after, before);
assert.deepStrictEqual(after, ['[{"id":"1"}]', "[]", "null"]);
assert.deepStrictEqual([callsBefore, calls], [3, 3]);

await ask("mutation { change(id: 1) { id } }");
const changed = await ask(QUERIES[0]);
console.log(`after { change(id: 1) { id } } the first list is         ${changed}`);
assert.strictEqual(changed, '[{"id":"1"},{"id":"2"}]');
await cache.invalidate([{ typename: "Order" }]);
const invalidated = [];
for (const query of QUERIES) invalidated.push(await ask(query));
console.log(`after invalidate of Order      ${invalidated.join(" ")}`);
assert.deepStrictEqual(invalidated, ['[{"id":"1"},{"id":"2"}]', '[{"id":"2"}]', '{"id":"2"}']);
JAVASCRIPT
node cached.mjs
