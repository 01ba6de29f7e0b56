// `echoing` with requests of every form that `fetch` takes.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { echoing, HEADER, LatestToken } from "diptych-client";

const REFUSES = { errors: [{ message: "Of another store.", extensions: { code: "BAD_TOKEN" } }] };

test("echoing keeps the headers of a Request, and sends it again without a token that is refused", async () => {
  const sent = [];
  const fetching = async (input, init) => {
    const request = new Request(input, init);
    sent.push({ ...Object.fromEntries(request.headers), method: request.method, body: await request.text() });
    return request.headers.has(HEADER) ? Response.json(REFUSES) : Response.json({ data: {} }, { headers: { [HEADER]: "2" } });
  };
  const latest = new LatestToken("1");
  const headers = { Authorization: "Bearer secret" };
  const request = new Request("http://shop.example/graphql", { method: "POST", body: "{}", headers });
  assert.deepEqual(await (await echoing(latest, fetching)(request)).json(), { data: {} });
  assert.equal(latest.seen, "2");
  const both = { authorization: "Bearer secret", method: "POST", body: "{}" };
  const [first, second] = sent.map(({ "content-type": _type, ...others }) => others);
  assert.deepEqual([first, second], [{ ...both, "consistency-token": "1" }, both]);
  // As with `fetch`, headers that are passed beside a request are instead of its own.
  await echoing(latest, fetching)(request, { headers: { Authorization: "Bearer other" } });
  assert.equal(sent[2].authorization, "Bearer other");
  assert.equal(request.bodyUsed, false);
});
