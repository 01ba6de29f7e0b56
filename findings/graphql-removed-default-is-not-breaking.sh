#!/usr/bin/env bash
# Taking the default from a required argument breaks released queries, and every tool calls it merely dangerous.
#
# Versions:  @graphql-inspector/core 8.0.0, graphql (JavaScript) 16.15.0, graphql-core (Python) 3.3.2, Node 20 or
#            later
# Guess:     `first: Int! = 10` becomes `first: Int!`. The argument is required from now on, so the tools report a
#            breaking change, as they do for a new required argument.
# Behaviour: graphql-inspector reports "dangerous", findBreakingChanges() and find_breaking_changes() report nothing.
#            The same for a required input field. Yet a query that leaves it out was valid, and is refused now.
# Matters:   A build that fails on breaking changes lets this one through. For a check of one's own: a required
#            argument or input field without a default is breaking, if it was optional or had a default before.
# Seen:
#   { list } is valid before: true, after: false
#   { search(by: {}) } is valid before: true, after: false
#   graphql-inspector: DANGEROUS FIELD_ARGUMENT_DEFAULT_CHANGED, DANGEROUS INPUT_FIELD_DEFAULT_VALUE_CHANGED
#   findBreakingChanges: 0
#   a new required argument, in contrast: BREAKING FIELD_ARGUMENT_ADDED, findBreakingChanges: 1
#   find_breaking_changes: 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @graphql-inspector/core@8.0.0 graphql@16.15.0

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check graphql-core==3.3.2

cat >before.graphql <<'GRAPHQL'
type Query { list(first: Int! = 10): Int, search(by: Search): Int }
input Search { limit: Int! = 3 }
GRAPHQL
cat >after.graphql <<'GRAPHQL'
type Query { list(first: Int!): Int, search(by: Search): Int }
input Search { limit: Int! }
GRAPHQL

cat >changes.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { diff } from "@graphql-inspector/core";
import { buildSchema, findBreakingChanges, parse, validate } from "graphql";

const [before, after] = ["before", "after"].map((name) => buildSchema(readFileSync(`${name}.graphql`, "utf8")));
const levels = async (old, changed) =>
  (await diff(old, changed)).map(({ criticality, type }) => `${criticality.level} ${type}`);

for (const query of ["{ list }", "{ search(by: {}) }"]) {
  const [valid, still] = [before, after].map((schema) => validate(schema, parse(query)).length === 0);
  console.log(`${query} is valid before: ${valid}, after: ${still}`);
  assert(valid && !still);
}
const found = await levels(before, after);
const breaking = findBreakingChanges(before, after).length;
console.log(`graphql-inspector: ${found.join(", ")}\nfindBreakingChanges: ${breaking}`);
assert.deepStrictEqual(found, [
  "DANGEROUS FIELD_ARGUMENT_DEFAULT_CHANGED",
  "DANGEROUS INPUT_FIELD_DEFAULT_VALUE_CHANGED",
]);
assert.strictEqual(breaking, 0);

const without = buildSchema("type Query { list: Int }");
const required = buildSchema("type Query { list(first: Int!): Int }");
const contrast = [await levels(without, required), findBreakingChanges(without, required).length];
console.log(`a new required argument, in contrast: ${contrast[0]}, findBreakingChanges: ${contrast[1]}`);
assert.deepStrictEqual(contrast, [["BREAKING FIELD_ARGUMENT_ADDED"], 1]);
JAVASCRIPT
node changes.mjs

venv/bin/python - <<'PYTHON'
from pathlib import Path

from graphql import build_schema, find_breaking_changes

before, after = (build_schema(Path(f"{name}.graphql").read_text()) for name in ("before", "after"))
found = find_breaking_changes(before, after)
print(f"find_breaking_changes: {len(found)}")
assert not found, found
PYTHON
