// A client on strings: `node puppet.js apollo http://127.0.0.1:8000/graphql` reads orders as lines of JSON, such as
//   {"id": 1, "order": "query", "name": "Product", "variables": {"id": "…"}, "echo": true}
// and writes one line for each answer: {"id": 1, "data": {…}}, or {"id": 1, "error": "…"}.
import { createInterface } from "node:readline";

const [library, url] = process.argv.slice(2);
const { connect } = await import(`./${library}.js`);
const source = library.startsWith("library/") ? "diptych-client" : "../examples/latest-token.js";
const { LatestToken } = await import(source);

class NoToken extends LatestToken {
  note() {}
}

const echoing = connect(url, new LatestToken());
const forgetful = connect(url, new NoToken());

const obey = async ({ id, order, name, variables, echo }) => {
  const say = (answer) => console.log(JSON.stringify({ id, ...answer }));
  const fail = (error) => say({ error: String(error?.stack ?? JSON.stringify(error)) });
  const client = echo ? echoing : forgetful;
  try {
    const isFollowed = order === "follow" || order === "keep";
    if (isFollowed) await client[order](name, variables, (data) => say({ data }), fail);
    else say({ data: await client[order](name, variables) });
  } catch (error) {
    fail(error);
  }
};

for await (const line of createInterface(process.stdin)) void obey(JSON.parse(line));
process.exit();
