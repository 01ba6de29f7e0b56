// What a page with many mounted queries shows while commands are sent, as JSON:
//   node mounted.js apollo http://127.0.0.1:8000/graphql '{"variables": {…}, "steps": [{"name": …, "input": …}]}'
// Each entry of the output has the queries whose answers are others now, those that the library has asked again, and
// those that stay stale. A step with `held` has an answer to that query under way, which was made before the command;
// with `again` the page asks for it once more after the command, before that answer has come.
import { isDeepStrictEqual } from "node:util";
import { echoing, LatestToken } from "diptych-client";
import { parse } from "graphql";

const [library, url, given] = process.argv.slice(2);
const { variables, steps } = JSON.parse(given);
const PATIENCE = 60_000;

const names = ["Products", "Dearest", "BySku", "Page", "Orders", "Paid", "Order", "Customers", "Account", "Sales"];
names.push("Activity");
const artifact = async (name) => (await import(`../../.generated/relay/Mounted${name}.graphql.js`)).default;
const artifacts = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await artifact(`${name}Query`)])),
);
const variablesOf = ({ params }) =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => params.text.includes(`$${name}:`)));

const { fetch } = globalThis;
let asked = [];
let holding;
globalThis.fetch = async (to, options) => {
  const name = /query Mounted(\w+)Query/.exec(options.body)?.[1];
  if (name) asked.push(name);
  const response = await fetch(to, options);
  if (!holding || holding.name !== name) return response;
  const { arrived, released } = holding;
  holding = undefined;
  const body = await response.text(); // which the service has made by now
  arrived();
  await released;
  return new Response(body, response);
};

const latest = new LatestToken();
const { connect } = await import(`./${library}.js`);
const client = connect(url, latest);

const fresh = async (name) => {
  const { text } = artifacts[name].params;
  const body = JSON.stringify({ query: text, variables: variablesOf(artifacts[name]) });
  const headers = { "Content-Type": "application/json" };
  const { data, errors } = await (await echoing(latest, fetch)(url, { method: "POST", headers, body })).json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};
const plain = (value) => JSON.parse(JSON.stringify(value, (key, each) => (key === "__typename" ? undefined : each)));

const shown = {};
let told = () => {};
const mount = (name) => {
  const show = (data) => {
    shown[name] = plain(data);
    told();
  };
  return client.watch(artifacts[name], parse(artifacts[name].params.text), variablesOf(artifacts[name]), show);
};
await Promise.all(names.map(mount));

/** Return the queries that do not show what a fresh one does, once the awaited ones do or patience has ended. */
const staleAfter = async (patience, awaited = names) => {
  const now = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await fresh(name)])));
  const stale = () => names.filter((name) => !isDeepStrictEqual(shown[name], now[name]));
  const end = new Promise((resolve) => setTimeout(() => resolve(true), patience));
  for (let ended = false; stale().some((name) => awaited.includes(name)) && !ended; )
    ended = await Promise.race([end, new Promise((resolve) => (told = () => resolve(false)))]);
  return { now, stale: stale() };
};

const report = [];
let { now: before, stale } = await staleAfter(PATIENCE);
if (stale.length) throw new Error(`never shown: ${stale}`);
for (const { name, input, held, again = false, cascade = true } of steps) {
  asked = [];
  let release = () => {};
  const ask = () =>
    client.again(artifacts[held], parse(artifacts[held].params.text), variablesOf(artifacts[held]));
  if (held) {
    const arriving = new Promise((arrived) => {
      holding = { name: held, arrived, released: new Promise((resolve) => (release = resolve)) };
    });
    ask();
    await arriving;
  }
  await client.send(name, input, cascade);
  if (again) ask();
  release();
  const { now, stale } = await staleAfter(cascade || again ? PATIENCE : 0, again ? [held] : names);
  const changed = names.filter((each) => !isDeepStrictEqual(before[each], now[each]));
  report.push({ name, changed, asked, stale });
  before = now;
}
console.log(JSON.stringify(report));
process.exit();
