// What a mounted list of orders shows while orders are paid and placed, as JSON:
//   node lists.js apollo http://127.0.0.1:8000/graphql '{"pay": {…}, "place": {…}}'
// Each entry has the list, and the number of requests that the library has sent until then.
import { LatestToken } from "../../examples/latest-token.js";

const [library, url, inputs] = process.argv.slice(2);
const { pay, place } = JSON.parse(inputs);

let requests = 0;
const { fetch } = globalThis;
globalThis.fetch = (...given) => {
  requests += 1;
  return fetch(...given);
};

const { connect } = await import(`./${library}.js`);
const client = connect(url, new LatestToken());

let edges = [];
let shown = () => {};
const first = new Promise((resolve) => (shown = resolve));
await client.watch((list) => {
  edges = list;
  shown();
});
await first;

const seen = [];
const note = () => seen.push({ requests, nodes: edges.map(({ node }) => node) });
note();
for (const [send, input] of [
  [client.pay, pay],
  [client.place, place],
]) {
  await send(input);
  await new Promise((resolve) => setImmediate(resolve)); // by then every watcher was told
  note();
}
console.log(JSON.stringify(seen));
process.exit();
