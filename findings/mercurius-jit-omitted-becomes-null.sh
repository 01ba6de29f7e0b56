#!/usr/bin/env bash
# With Mercurius' `jit`, a variable that the client omits becomes null, from the n-th request on.
#
# Versions:  mercurius 16.10.1 (graphql-jit 0.8.9), fastify 5.12.8, graphql 16.15.0, Node 20 or later
# Guess:     jit: n compiles a query once it was asked n times. This makes it faster; answers stay what they were.
# Behaviour: In a literal input object, {name: $name, note: $note}, a variable that was not given leaves its field out,
#            or gives it its default, as the specification says. Once the query is compiled, the field is null, even
#            one with a default. A variable for an argument, or for a whole input object, is not concerned.
# Matters:   For an update "left out" means "keep" and null means "delete". The same request keeps the note the first
#            times and deletes it later, and again keeps it for a while after each restart. Tests that send a request
#            once see only the first half. Pass the whole input object as one variable.
# Seen (jit: 2; the same mutation three times with the variables {"name": "x"}):
#   change(input: {name: $name, note: $note, stock: $stock})
#     1st: {"name":"x","stock":5}
#     2nd: {"name":"x","stock":5}
#     3rd: {"name":"x","note":null,"stock":null}
#   change(input: $input)
#     1st: {"name":"x","stock":5}
#     2nd: {"name":"x","stock":5}
#     3rd: {"name":"x","stock":5}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" \
  mercurius@16.10.1 graphql-jit@0.8.9 fastify@5.12.8 graphql@16.15.0

cat >server.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import Fastify from "fastify";
import mercurius from "mercurius";

const schema = `
  input Change { name: String, note: String, stock: Int = 5 }
  type Query { none: Int }
  type Mutation { change(input: Change!): String }
`;
const resolvers = { Mutation: { change: (_parent, { input }) => JSON.stringify(input) } };
const server = Fastify();
server.register(mercurius, { schema, resolvers, jit: 2 });

const FIELDS = "change(input: {name: $name, note: $note, stock: $stock})";
const WHOLE = "change(input: $input)";
const seen = [];
for (const [query, call, variables] of [
  [`mutation ($name: String, $note: String, $stock: Int) { ${FIELDS} }`, FIELDS, { name: "x" }],
  [`mutation ($input: Change!) { ${WHOLE} }`, WHOLE, { input: { name: "x" } }],
]) {
  console.log(call);
  for (const turn of ["1st", "2nd", "3rd"]) {
    const answer = await server.inject({ method: "POST", url: "/graphql", payload: { query, variables } });
    seen.push(answer.json().data.change);
    console.log(`  ${turn}: ${seen.at(-1)}`);
  }
}
await server.close();
const kept = '{"name":"x","stock":5}';
assert.deepStrictEqual(seen, [kept, kept, '{"name":"x","note":null,"stock":null}', kept, kept, kept]);
JAVASCRIPT
node server.mjs
