#!/usr/bin/env bash
# FlexSearch cuts numbers into groups of three and drops repeated digits, so that order numbers find other orders.
#
# Versions:  flexsearch 0.8.212, Node 20 or later
# Guess:     A number is a word like any other: the search for order 200100 finds the text that has 200100, and nothing
#            else, if partial matches were not asked for (`tokenize` is "strict").
# Behaviour: The encoder that an index has if none is given splits numbers into groups of three digits, whose order is
#            not kept, and drops repeated characters (so that "cofee" finds coffee): 100200 and 200100 are the same
#            two words, and 110, 1000 and 1100 are near enough. The equal number does not even come first. A document
#            index does the same. {numeric: false} ends the groups only, {dedupe: false} the repetitions only; encoder
#            "Exact" is as guessed.
# Matters:   Support searches for an order by its number, gets another customer's order as the first hit, and the right
#            one below it; article numbers and amounts likewise. Test data with a dozen short numbers shows nothing.
#            Index numbers in a field of their own with the encoder "Exact".
# Seen (what the search finds, in its order):
#   default         200100: 100200 200100   1000: 1000 10000 1100      110: 100200 110 1000 10000 1100 200100
#   numeric: false  200100: 200100          1000: 110 1000 10000 1100  110: 110 1000 10000 1100
#   dedupe: false   200100: 100200 200100   1000: 1000                 110: 110 1100
#   Exact           200100: 200100          1000: 1000                 110: 110
#   as documents    200100: 100200 200100
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" flexsearch@0.8.212

cat >numbers.mjs <<'JAVASCRIPT'
import assert from "node:assert";
import FlexSearch from "flexsearch";

const { Document, Encoder, Index } = FlexSearch;
const ORDERS = ["100200", "200100", "110", "1000", "10000", "1100"];

const seen = {};
for (const [name, options] of Object.entries({
  default: {},
  "numeric: false": { encoder: new Encoder({ numeric: false }) },
  "dedupe: false": { encoder: new Encoder({ dedupe: false }) },
  Exact: { encoder: "Exact" },
})) {
  const index = new Index(options);
  ORDERS.forEach((number, id) => index.add(id, `order ${number}`));
  seen[name] = ["200100", "1000", "110"].map((number) => index.search(number).map((id) => ORDERS[id]).join(" "));
  const [order, thousand, hundred] = seen[name];
  console.log(`${name.padEnd(15)} 200100: ${order.padEnd(15)} 1000: ${thousand.padEnd(20)} 110: ${hundred}`);
}
const documents = new Document({ document: { id: "id", index: ["number"] } });
ORDERS.forEach((number, id) => documents.add({ id, number }));
seen.document = documents.search("200100")[0].result.map((id) => ORDERS[id]).join(" ");
console.log(`as documents    200100: ${seen.document}`);
assert.deepStrictEqual(seen, {
  default: ["100200 200100", "1000 10000 1100", "100200 110 1000 10000 1100 200100"],
  "numeric: false": ["200100", "110 1000 10000 1100", "110 1000 10000 1100"],
  "dedupe: false": ["100200 200100", "1000", "110 1100"],
  Exact: ["200100", "1000", "110"],
  document: "100200 200100",
});
JAVASCRIPT
node numbers.mjs
